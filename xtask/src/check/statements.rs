//! How many statements are one text on both engines.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::Findings;
use super::source::SourceFile;
use crate::Outcome;
use crate::workspace::Workspace;

/// Prints how many statements there are and names those that differ per engine.
pub(super) fn check(workspace: &Workspace) -> Outcome<Findings> {
    let mut findings = Findings::default();
    let (mut all, mut differing) = (0, Vec::new());
    for file in SourceFile::all(workspace)? {
        let mut finder = StatementFinder::default();
        finder.visit_file(&file.syntax);
        all += finder.all;
        differing.extend(finder.differing.into_iter().map(|name| format!("{}: {name}", file.path.display())));
    }
    findings.figure(format!("{all} statements, {} of them differ per engine", differing.len()));
    for statement in differing {
        findings.figure(statement);
    }
    Ok(findings)
}

/// Finds `NAME = "…";` and `NAME = "…", postgres: "…";` inside `statements! { … }`.
#[derive(Default)]
struct StatementFinder {
    all: usize,
    differing: Vec<String>,
}

impl<'ast> Visit<'ast> for StatementFinder {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.segments.last().is_some_and(|segment| segment.ident == "statements") {
            self.count(call.tokens.clone());
        }
        visit::visit_macro(self, call);
    }
}

impl StatementFinder {
    fn count(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut name = String::new();
        for pair in tokens.windows(2) {
            match pair {
                [TokenTree::Ident(word), TokenTree::Punct(sign)] if sign.as_char() == '=' => {
                    name = word.to_string();
                    self.all += 1;
                }
                [TokenTree::Ident(word), TokenTree::Punct(sign)]
                    if sign.as_char() == ':' && word == "postgres" =>
                {
                    self.differing.push(name.clone());
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StatementFinder;
    use syn::visit::Visit;

    #[test]
    fn statements_are_counted_and_second_texts_named() {
        let text = "quoin_db::statements! { A = \"select 1\"; /// Claims.\n B = \"x\", postgres: \"y\"; }";
        let mut finder = StatementFinder::default();
        finder.visit_file(&syn::parse_file(text).unwrap());
        assert_eq!((finder.all, finder.differing), (2, vec!["B".to_owned()]));
    }
}
