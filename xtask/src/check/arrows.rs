//! Which room may know which. Arrows point down only.

use super::Findings;
use crate::workspace::Workspace;

/// Every room and its floor: a room may name the rooms on lower floors, never a neighbour.
const FLOORS: &[(&str, u8)] = &[
    ("quoin-kernel", 0),
    ("quoin-db", 1),
    ("quoin-policy", 2),
    ("quoin-web", 2),
    ("quoin-audit", 3),
    ("quoin-jobs", 4),
    ("quoin-mail", 5),
    ("quoin-tenancy", 6),
    ("quoin-identity", 7),
    ("quoin-data", 7),
    ("quoin-files", 7),
    ("quoin-payments", 7),
    ("quoin-engine-image", 8),
    ("quoin-stripe-twin", 8),
    ("quoin-federation", 8),
    ("quoin-passkeys", 8),
    ("quoin-pages", 8),
    ("quoin-server", 9),
];

/// Packages that stand beside the house, and the only rooms that each may name.
const BESIDE: &[(&str, &[&str])] = &[("xtask", &[]), ("bench", &["quoin-db", "quoin-kernel"])];

/// The test kit composes the whole house and only its integration tests may name it.
const TESTKIT: &str = "quoin-testkit";
const TESTKIT_USER: &str = "quoin-server";

/// What only these may name, so that it can be replaced in one place. `bench` hashes to know the price of a hash.
const OWNED: &[(&str, &[&str])] = &[
    ("rusqlite", &["quoin-db"]),
    ("tokio-postgres", &["quoin-db"]),
    ("tokio-postgres-rustls", &["quoin-db"]),
    ("reqwest", &["quoin-web"]),
    ("lettre", &["quoin-mail"]),
    ("sqlparser", &["quoin-policy"]),
    // In `federation` it signs calls and sends none.
    ("object_store", &["quoin-files", "quoin-federation"]),
    ("multer", &["quoin-files"]),
    ("image", &["quoin-engine-image"]),
    ("fast_image_resize", &["quoin-engine-image"]),
    ("openidconnect", &["quoin-federation"]),
    ("hickory-resolver", &["quoin-federation"]),
    ("webauthn-rs", &["quoin-passkeys"]),
    ("argon2", &["quoin-identity", "bench"]),
];

/// Complains about every dependency between rooms that is not in the table.
pub(super) fn check(workspace: &Workspace) -> Findings {
    let mut findings = Findings::default();
    for package in workspace.members() {
        if floor(&package.name).is_none() && package.name != TESTKIT && beside(&package.name).is_none() {
            findings
                .complain(format!("{} stands on no floor: add it to the table in arrows.rs", package.name));
        }
        for dependency in &package.dependencies {
            let kind = dependency.kind.as_deref();
            if dependency.path.is_some() && !may_name(&package.name, &dependency.name, kind) {
                findings.complain(format!("{} may not name {}", package.name, dependency.name));
            }
            let owners = OWNED.iter().find(|(name, _)| *name == dependency.name).map(|(_, owners)| *owners);
            if kind != Some("dev") && owners.is_some_and(|owners| !owners.contains(&package.name.as_str())) {
                findings.complain(format!("{} may not name {}", package.name, dependency.name));
            }
        }
    }
    findings
}

fn may_name(from: &str, to: &str, kind: Option<&str>) -> bool {
    if to == TESTKIT {
        return from == TESTKIT_USER && kind == Some("dev");
    }
    if from == TESTKIT {
        return floor(to).is_some();
    }
    if let Some(allowed) = beside(from) {
        return allowed.contains(&to);
    }
    // Integration tests of a room may switch on its own features.
    from == to && kind == Some("dev") || floor(from).zip(floor(to)).is_some_and(|(from, to)| to < from)
}

fn floor(package: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == package).map(|(_, floor)| *floor)
}

fn beside(package: &str) -> Option<&'static [&'static str]> {
    BESIDE.iter().find(|(name, _)| *name == package).map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests;
