//! Words that mark something unfinished, and names that belong to one developer's machine.

use std::path::Path;

use super::Findings;
use super::source::{SourceFile, is_test_file};
use crate::workspace::Workspace;
use crate::{Outcome, process};

/// Written in halves, so that this file passes its own rule.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!("),
    concat!("for", " now"),
    concat!(".un", "wrap()"),
];

/// Where packages may come from; any other host in a lock file is somebody's mirror.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Complains about unfinished work outside tests, and about names of this machine anywhere.
pub(super) fn check(workspace: &Workspace) -> Outcome<Findings> {
    let mut findings = Findings::default();
    for file in SourceFile::all(workspace)? {
        for (number, line) in file.lines() {
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                findings.complain(format!("{}:{number}: `{word}`", file.path.display()));
            }
        }
    }
    let names = names_of_this_machine(workspace);
    for file in workspace.files()? {
        let Some(text) = workspace.text(&file) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            for complaint in complaints(&file, line, &names) {
                findings.complain(format!("{}:{}: {complaint}", file.display(), index + 1));
            }
        }
    }
    Ok(findings)
}

fn complaints(file: &Path, line: &str, names: &[String]) -> Vec<String> {
    let mut found: Vec<String> = names.iter().filter(|name| line.contains(*name)).cloned().collect();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if name == "package-lock.json" && line.contains("\"resolved\"") {
        found.push("a lock file that names hosts: npm install --omit-lockfile-registry-resolved".into());
    }
    if name == "Cargo.lock" && line.starts_with("source = ") && !line.contains(CRATES_IO) {
        found.push(format!("a source other than crates.io: {line}"));
    }
    let is_script =
        matches!(file.extension().and_then(|end| end.to_str()), Some("mjs" | "py" | "sh" | "js" | "sql"));
    if is_script && !is_test_file(file) {
        found.extend(
            UNFINISHED[..2].iter().filter(|word| has_word(line, word)).map(|word| format!("`{word}`")),
        );
    }
    found
}

/// Finds a word that is not the beginning or end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let alone = |(at, found): (usize, &str)| {
        let starts_inside =
            found.starts_with(char::is_alphanumeric) && is_letter(line[..at].chars().next_back());
        let ends_inside =
            found.ends_with(char::is_alphanumeric) && is_letter(line[at + found.len()..].chars().next());
        !starts_inside && !ends_inside
    };
    line.match_indices(word).any(alone)
}

/// The checkout's place, the person's home, and the mirrors that this machine is set up to use.
fn names_of_this_machine(workspace: &Workspace) -> Vec<String> {
    let mut names = vec![workspace.root.display().to_string() + "/"];
    names.extend(std::env::var("HOME").ok().filter(|home| home.len() > 1).map(|home| format!("{home}/.")));
    let mut npm = std::process::Command::new("npm");
    let registry = process::find("npm")
        .and_then(|_| process::output(npm.args(["config", "get", "registry", "--loglevel=silent"])).ok());
    let mirrors = registry.into_iter().chain(std::env::var("PIP_INDEX_URL"));
    let hosts = mirrors.filter_map(|url| url.split("://").nth(1)?.split('/').next().map(str::to_owned));
    names.extend(hosts.map(|host| host.trim().to_owned()).filter(|host| {
        !host.is_empty() && !matches!(host.as_str(), "registry.npmjs.org" | "pypi.org" | "undefined")
    }));
    names
}

#[cfg(test)]
mod tests {
    use super::{UNFINISHED, has_word};

    #[test]
    fn words_are_found_whole() {
        let marker = UNFINISHED[5];
        assert!(has_word(&format!("good enough {marker}."), marker));
        assert!(!has_word(&format!("{marker}here to be seen"), marker));
        assert!(has_word(&format!("x{}", UNFINISHED[6]), UNFINISHED[6]));
    }
}
