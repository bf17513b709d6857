//! Documents that the program writes about itself.

use std::path::Path;

use crate::check::Findings;
use crate::workspace::Workspace;
use crate::{Outcome, errors, process};

/// What `quoin gen` writes, and what is committed in `docs/`.
const GENERATED: &[&str] = &["errors.md", "config.md", "openapi.json", "stripe-twin-calls.md"];

/// Writes the generated documents.
pub(crate) fn run(_: &[String]) -> Outcome {
    write_to(&Workspace::read()?.root.join("docs"))
}

/// Complains where the committed documents differ from what the program would write today.
pub(crate) fn check(workspace: &Workspace) -> Outcome<Findings> {
    let mut findings = Findings::default();
    let fresh = workspace.target.join("generated");
    write_to(&fresh)?;
    for name in GENERATED {
        let committed = std::fs::read(workspace.root.join("docs").join(name)).unwrap_or_default();
        if committed != std::fs::read(fresh.join(name))? {
            findings.complain(format!("docs/{name} is stale: run `cargo xtask gen`"));
        }
    }
    Ok(findings)
}

fn write_to(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)?;
    let arguments =
        ["run", "--quiet", "--locked", "--package", "quoin-server", "--bin", "quoin", "--", "gen"];
    process::run(process::cargo().args(arguments).arg(folder))?;
    std::fs::write(folder.join("errors.md"), errors::reference(&Workspace::read()?)?)?;
    Ok(())
}
