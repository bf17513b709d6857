//! The rules of the house and what enforces each.

mod arrows;
mod dependencies;
mod links;
mod sizes;
mod source;
mod statements;
mod words;

use std::time::Instant;

use crate::workspace::Workspace;
use crate::{Outcome, generate, process};

/// What one rule found: complaints, each a line that says where and what, and figures worth knowing.
#[derive(Default)]
pub(crate) struct Findings {
    complaints: Vec<String>,
    figures: Vec<String>,
}

impl Findings {
    /// Adds a complaint.
    pub(crate) fn complain(&mut self, complaint: impl Into<String>) {
        self.complaints.push(complaint.into());
    }

    /// Adds a figure that is printed in any case.
    pub(crate) fn figure(&mut self, figure: impl Into<String>) {
        self.figures.push(figure.into());
    }
}

impl From<Outcome> for Findings {
    fn from(outcome: Outcome) -> Self {
        let complaints = outcome.err().map(|error| error.to_string()).into_iter().collect();
        Self { complaints, figures: Vec::new() }
    }
}

type Rule = fn(&Workspace) -> Outcome<Findings>;

/// Cheap rules first, so that the answer to a small slip comes at once.
const RULES: &[(&str, Rule)] = &[
    ("formatting", |_| Ok(process::quiet(process::cargo().args(["fmt", "--all", "--check"])).into())),
    ("arrows", |workspace| Ok(arrows::check(workspace))),
    ("sizes", sizes::check),
    ("words", words::check),
    ("statements", statements::check),
    ("dependencies", dependencies::check),
    ("links", links::check),
    ("lints", |_| Ok(process::run(process::cargo().args(LINTS)).into())),
    ("documentation", |_| {
        let mut doc = process::cargo();
        doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"]);
        Ok(process::run(doc.env("RUSTDOCFLAGS", "-D warnings")).into())
    }),
    ("generated files", generate::check),
];

const LINTS: &[&str] = &[
    "clippy",
    "--workspace",
    "--all-targets",
    "--all-features",
    "--locked",
    "--quiet",
    "--",
    "-D",
    "warnings",
];

/// Runs every rule and prints a line for each.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let workspace = Workspace::read()?;
    let filter = arguments.first().map_or("", String::as_str);
    let mut broken = 0;
    for (name, rule) in RULES.iter().filter(|(name, _)| name.contains(filter)) {
        let start = Instant::now();
        let findings = rule(&workspace).unwrap_or_else(|error| Err(error).into());
        let mark = if findings.complaints.is_empty() { "✓" } else { "✗" };
        println!("{mark} {name} ({:.1} s)", start.elapsed().as_secs_f32());
        findings.figures.iter().for_each(|figure| println!("    {figure}"));
        findings.complaints.iter().for_each(|complaint| println!("  ✗ {complaint}"));
        broken += usize::from(!findings.complaints.is_empty());
    }
    match broken {
        0 => Ok(()),
        1 => Err("1 rule is broken".into()),
        _ => Err(format!("{broken} rules are broken").into()),
    }
}
