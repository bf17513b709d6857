//! What comes from elsewhere: under which licence, from where, and why.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Findings;
use crate::Outcome;
use crate::workspace::Workspace;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
const REASONS: &str = "docs/adr/0002-dependencies.md";

/// The part of cargo-deny's configuration that is enforced here too, so that nobody has to install it.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

/// Complains about licences, sources and direct dependencies without a written reason.
pub(super) fn check(workspace: &Workspace) -> Outcome<Findings> {
    let mut findings = Findings::default();
    let deny: Deny = toml::from_str(&std::fs::read_to_string(workspace.root.join("deny.toml"))?)?;
    let foreign = || workspace.packages.iter().filter(|package| package.source.is_some());
    for package in foreign() {
        let licence = package.license.as_deref().unwrap_or_default();
        if !is_allowed(licence, &deny.licenses.allow) {
            findings.complain(format!("{} {}: licence `{licence}`", package.name, package.version));
        }
        if package.source.as_deref() != Some(CRATES_IO) {
            findings.complain(format!("{} does not come from crates.io", package.name));
        }
    }
    let direct: BTreeSet<&str> = (workspace.members().flat_map(|package| &package.dependencies))
        .filter(|dependency| dependency.path.is_none())
        .map(|dependency| dependency.name.as_str())
        .collect();
    let reasons = std::fs::read_to_string(workspace.root.join(REASONS))?;
    for name in direct.iter().filter(|name| !reasons.contains(&format!("`{name}`"))) {
        findings.complain(format!("{name} is used, but {REASONS} does not say why"));
    }
    let linked = workspace.linked_into("quoin-server").len();
    findings.figure(format!("{} direct dependencies, each with a reason", direct.len()));
    findings.figure(format!("{linked} packages in the binary, {} with tools and tests", foreign().count()));
    Ok(findings)
}

/// Decides an SPDX expression: one choice of every `OR`, all parts of every `AND`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let answer = any(&mut rest, allowed);
    answer && rest.is_empty()
}

fn any(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut answer = all(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        answer |= all(words, allowed);
    }
    answer
}

fn all(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut answer = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        answer &= one(words, allowed);
    }
    answer
}

fn one(words: &mut &[&str], allowed: &[String]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let answer = any(words, allowed);
            *words = words.strip_prefix(&[")"]).unwrap_or_default();
            answer
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{licence} WITH {exception}"))
                || allowed.iter().any(|name| name == licence)
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.iter().any(|name| name == licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn licence_expressions_are_decided() {
        let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned()];
        assert!(is_allowed("MIT OR GPL-3.0", &allowed));
        assert!(is_allowed("(MIT OR GPL-3.0) AND Apache-2.0", &allowed));
        assert!(is_allowed("MIT/Apache-2.0", &allowed));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception", &allowed));
        assert!(!is_allowed("MIT AND GPL-3.0", &allowed));
        assert!(!is_allowed("GPL-3.0", &allowed));
        assert!(!is_allowed("", &allowed));
    }
}
