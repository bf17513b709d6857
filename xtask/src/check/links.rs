//! Links between documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::Findings;
use crate::Outcome;
use crate::workspace::Workspace;

/// Complains about links in Markdown files whose file or heading is not there.
pub(super) fn check(workspace: &Workspace) -> Outcome<Findings> {
    let mut findings = Findings::default();
    let mut count = 0;
    for file in workspace.files()?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "md"))
    {
        let text = workspace.text(&file).unwrap_or_default();
        for (line, link) in links(&text).into_iter().filter(|(_, link)| !is_elsewhere(link)) {
            count += 1;
            if !leads_somewhere(workspace, &file, &link) {
                findings.complain(format!("{}:{line}: {link} leads nowhere", file.display()));
            }
        }
    }
    findings.figure(format!("{count} links within the tree"));
    Ok(findings)
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

fn leads_somewhere(workspace: &Workspace, from: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = if path.is_empty() { from.to_owned() } else { from.with_file_name("").join(path) };
    let target = workspace.root.join(without_dots(&target));
    let has_heading = |heading: &str| {
        std::fs::read_to_string(&target)
            .is_ok_and(|text| headings(&text).iter().any(|found| found == heading))
    };
    target.exists() && heading.is_none_or(has_heading)
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Returns the targets of `[text](target)` outside code, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        // Every second piece between backticks is code.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        let targets = plain.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        found.extend(targets.map(|target| (number, target.to_owned())));
    }
    found
}

/// Returns the anchors that headings get.
fn headings(text: &str) -> Vec<String> {
    let titles =
        prose(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| line.trim_start_matches('#'));
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    titles
        .map(|title| {
            title.trim().to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// Returns the lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::{headings, links};

    #[test]
    fn links_in_code_are_no_links() {
        let text = "[a](b.md) and `[c](d)`\n```\n[e](f)\n```\n[g](#h)";
        assert_eq!(links(text), [(1, "b.md".to_owned()), (5, "#h".to_owned())]);
    }

    #[test]
    fn headings_become_anchors() {
        assert_eq!(headings("# The `db` room, again\n```\n# no\n```"), ["the-db-room-again"]);
    }
}
