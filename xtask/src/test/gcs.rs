//! What stands in for Google's Cloud Storage: an emulator by others, behind a front that speaks the XML protocol
//! (`xtask/counterparts/gcs.py`).

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{counterparts, free_address, fresh_folder};
use crate::process::Running;
use crate::workspace::Workspace;
use crate::{Outcome, process};

/// A running store with the bucket `files`.
pub(crate) struct Gcs {
    address: SocketAddr,
    _process: Running,
}

impl Gcs {
    /// Starts it empty.
    pub(crate) fn start(workspace: &Workspace) -> Outcome<Self> {
        let python = counterparts::gcs_python(workspace)?;
        let folder = fresh_folder(&workspace.target, "gcs")?;
        let (address, emulator) = (free_address()?, free_address()?);
        let mut command = process::dies_with_us(python, "KILL");
        command.arg(workspace.root.join("xtask/counterparts/gcs.py"));
        command.args([address.port().to_string(), emulator.port().to_string()]);
        let log = std::fs::File::create(folder.join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let mut process = Running::start(&mut command)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if process.ended() || Instant::now() > deadline {
                let said = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("the stand-in for Google's store does not start:\n{said}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("gcp-storage-emulator behind port {}", address.port());
        Ok(Self { address, _process: process })
    }

    /// Returns the URL it answers at.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
