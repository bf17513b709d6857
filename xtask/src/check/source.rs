//! Rust files, parsed: which lines are tests, how long each function is.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Outcome;
use crate::workspace::Workspace;

/// One Rust file of ours.
pub(super) struct SourceFile {
    /// Relative to the workspace's root.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    /// The parsed file.
    pub syntax: syn::File,
    /// The lines, counted from one, of items compiled for tests only.
    tests: Vec<RangeInclusive<usize>>,
}

/// One function: its name, the line of its signature and how many lines it takes to the closing brace.
pub(super) struct Function {
    pub name: String,
    pub line: usize,
    pub length: usize,
}

impl SourceFile {
    /// Parses every Rust file that is not itself a test.
    pub(super) fn all(workspace: &Workspace) -> Outcome<Vec<Self>> {
        let rust =
            workspace.files()?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs"));
        rust.filter(|file| !is_test_file(file)).map(|path| Self::parse(workspace, path)).collect()
    }

    fn parse(workspace: &Workspace, path: PathBuf) -> Outcome<Self> {
        let text = workspace.text(&path).ok_or_else(|| format!("{} is not text", path.display()))?;
        let syntax = syn::parse_file(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut finder = TestFinder::default();
        finder.visit_file(&syntax);
        Ok(Self { path, text, syntax, tests: finder.found })
    }

    /// Returns the lines that are no tests, each with its number.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(number, _)| !self.is_test(*number))
    }

    /// Returns the functions that are no tests.
    pub(super) fn functions(&self) -> Vec<Function> {
        let mut finder = FunctionFinder::default();
        finder.visit_file(&self.syntax);
        finder.found.retain(|function| !self.is_test(function.line));
        finder.found
    }

    fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }
}

/// Tells whether a file holds tests only, by the places where the house keeps them.
pub(super) fn is_test_file(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "tests.rs")
        || file.components().any(|part| part.as_os_str() == "tests")
}

#[derive(Default)]
struct TestFinder {
    found: Vec<RangeInclusive<usize>>,
}

impl<'ast> Visit<'ast> for TestFinder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if attributes.iter().any(is_cfg_test) {
            self.found.push(lines_of(item.span()));
        } else {
            visit::visit_item(self, item);
        }
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
}

#[derive(Default)]
struct FunctionFinder {
    found: Vec<Function>,
}

impl FunctionFinder {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let length = block.span().end().line + 1 - first;
        self.found.push(Function { name: signature.ident.to_string(), line: first, length });
    }
}

impl<'ast> Visit<'ast> for FunctionFinder {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

fn lines_of(span: Span) -> RangeInclusive<usize> {
    span.start().line..=span.end().line
}

#[cfg(test)]
mod tests {
    use super::{Function, SourceFile, TestFinder};
    use std::path::PathBuf;
    use syn::visit::Visit;

    fn parsed(text: &str) -> SourceFile {
        let syntax = syn::parse_file(text).unwrap();
        let mut finder = TestFinder::default();
        finder.visit_file(&syntax);
        SourceFile { path: PathBuf::new(), text: text.to_owned(), syntax, tests: finder.found }
    }

    #[test]
    fn inline_tests_are_left_out() {
        let file = parsed("fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n");
        assert_eq!(file.lines().map(|(number, _)| number).collect::<Vec<_>>(), [1, 2]);
        let names: Vec<String> = file.functions().into_iter().map(|Function { name, .. }| name).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn a_function_is_as_long_as_from_signature_to_brace() {
        let file = parsed("/// Says.\n#[inline]\nfn a(\n    b: u8,\n) {\n    // why\n\n}\n");
        assert_eq!(file.functions()[0].length, 6);
    }
}
