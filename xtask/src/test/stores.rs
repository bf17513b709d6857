//! An object store by others that speaks the protocol of S3 and checks its signatures: `s3s-fs`, installed once.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{free_address, fresh_folder};
use crate::process::Running;
use crate::workspace::Workspace;
use crate::{Outcome, process};

/// The version whose behaviour the tests know.
const VERSION: &str = "0.14.1";
/// The keys that it takes; the tests have them too.
pub(crate) const ACCESS_KEY: &str = "quoin-test";
/// See [`ACCESS_KEY`].
pub(crate) const SECRET_KEY: &str = "quoin-test-secret";

/// A running server with the bucket `files`.
pub(crate) struct S3 {
    address: SocketAddr,
    _process: Running,
}

impl S3 {
    /// Starts a server on an empty folder.
    pub(crate) fn start(workspace: &Workspace) -> Outcome<Self> {
        let program = install(&workspace.target)?;
        let folder = fresh_folder(&workspace.target, "s3")?;
        std::fs::create_dir_all(folder.join("data/files"))?;
        let address = free_address()?;
        let mut command = process::dies_with_us(program, "KILL");
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]).arg(folder.join("data"));
        let log = std::fs::File::create(folder.join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let mut process = Running::start(&mut command)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if process.ended() || Instant::now() > deadline {
                let said = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("s3s-fs does not start:\n{said}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("s3s-fs {VERSION} on port {}", address.port());
        Ok(Self { address, _process: process })
    }

    /// Returns the URL it answers at.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Builds the program beside the repository's own, unless it is there.
fn install(target: &Path) -> Outcome<PathBuf> {
    let root = target.join(format!("s3s-fs-{VERSION}"));
    let program = root.join("bin/s3s-fs");
    if !program.exists() {
        println!("building s3s-fs {VERSION}, once");
        let mut cargo = process::cargo();
        cargo.args([
            "install",
            "s3s-fs",
            "--version",
            VERSION,
            "--features",
            "binary",
            "--debug",
            "--locked",
        ]);
        cargo.arg("--root").arg(&root).env("CARGO_TARGET_DIR", root.join("build"));
        process::quiet(&mut cargo)?;
        // Only the program is needed again.
        std::fs::remove_dir_all(root.join("build"))?;
    }
    Ok(program)
}
