//! How long files and functions may be.

use super::Findings;
use super::source::SourceFile;
use crate::Outcome;
use crate::workspace::Workspace;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const SHORT_FUNCTION_LINES: usize = 30;
const SHORT_FUNCTIONS_PERCENT: usize = 90;

/// Complains about long files and functions and prints how long they usually are.
pub(super) fn check(workspace: &Workspace) -> Outcome<Findings> {
    let mut findings = Findings::default();
    let (mut files, mut functions) = (Vec::new(), Vec::new());
    for file in SourceFile::all(workspace)? {
        let lines = file.lines().count();
        if lines > FILE_LINES {
            findings.complain(format!("{}: {lines} lines, at most {FILE_LINES}", file.path.display()));
        }
        files.push(lines);
        for function in file.functions() {
            if function.length > FUNCTION_LINES {
                let place = format!("{}:{} {}", file.path.display(), function.line, function.name);
                findings.complain(format!("{place}: {} lines, at most {FUNCTION_LINES}", function.length));
            }
            functions.push(function.length);
        }
    }
    let short = functions.iter().filter(|length| **length <= SHORT_FUNCTION_LINES).count();
    let percent = short * 100 / functions.len().max(1);
    findings.figure(format!("{} files, median {} lines", files.len(), median(&mut files)));
    findings.figure(format!("{} functions, median {} lines", functions.len(), median(&mut functions)));
    findings.figure(format!("{percent} % of the functions have at most {SHORT_FUNCTION_LINES} lines"));
    if percent < SHORT_FUNCTIONS_PERCENT {
        findings.complain(format!("fewer than {SHORT_FUNCTIONS_PERCENT} % of the functions are short"));
    }
    Ok(findings)
}

fn median(lengths: &mut [usize]) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}
