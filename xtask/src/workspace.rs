//! What Cargo and git know of the tree.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::{Outcome, process};

/// The workspace as `cargo metadata` describes it.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    /// Every package, ours and others'.
    pub packages: Vec<Package>,
    #[serde(rename = "workspace_members")]
    member_ids: Vec<String>,
    /// The folder of the root manifest.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where build results go.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    resolve: Resolve,
}

/// One package.
#[derive(Deserialize)]
pub(crate) struct Package {
    /// Cargo's identifier.
    pub id: String,
    /// The name in the manifest.
    pub name: String,
    /// The version in the manifest.
    pub version: String,
    /// The licence as an SPDX expression, where stated.
    pub license: Option<String>,
    /// Where it comes from; nothing for our own.
    pub source: Option<String>,
    /// What its manifest asks for.
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependencies.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    /// The package's name.
    pub name: String,
    /// `dev`, `build`, or nothing for a normal one.
    pub kind: Option<String>,
    /// The folder, for packages of the workspace.
    pub path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Workspace {
    /// Asks Cargo, for the platform it compiles for.
    pub(crate) fn read() -> Outcome<Self> {
        let version = process::output(process::cargo().args(["-vV"]))?;
        let host =
            version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("cargo -vV names no host")?;
        let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
        Ok(serde_json::from_str(&process::output(process::cargo().args(arguments))?)?)
    }

    /// Returns the packages of this workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.member_ids.contains(&package.id))
    }

    /// Returns the ids of everything from elsewhere that is compiled into `root`, build tools and tests left out.
    pub(crate) fn linked_into(&self, root: &str) -> BTreeSet<&str> {
        let nodes: HashMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut waiting: Vec<&str> =
            self.members().filter(|p| p.name == root).map(|p| p.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                let wanted = nodes.get(id).into_iter().flat_map(|node| &node.deps);
                let normal =
                    wanted.filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none()));
                waiting.extend(normal.map(|dependency| dependency.pkg.as_str()));
            }
        }
        seen.retain(|id| !self.member_ids.iter().any(|member| member == id));
        seen
    }

    /// Returns every file that git tracks or would track, relative to the root.
    pub(crate) fn files(&self) -> Outcome<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let listed = process::output(&mut git)?;
        let mut files: Vec<PathBuf> = listed.lines().map(PathBuf::from).collect();
        // A file deleted but not yet committed is still listed.
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Returns the text of a file, or nothing for pictures and the like.
    pub(crate) fn text(&self, file: &Path) -> Option<String> {
        std::fs::read(self.root.join(file)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    }
}
