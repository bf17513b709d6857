//! ClamAV's own daemon, with one signature: the one of the file that every scanner must find.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{free_address, fresh_folder};
use crate::process::Running;
use crate::workspace::Workspace;
use crate::{Outcome, process};

/// MD5 and size of the EICAR test file, as signature files name them.
const EICAR: &str = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n";

/// A running daemon.
pub(crate) struct Clamd {
    address: SocketAddr,
    _process: Running,
}

impl Clamd {
    /// Starts the daemon, which is installed where we are root on Debian.
    pub(crate) fn start(workspace: &Workspace) -> Outcome<Self> {
        if process::find("clamd").is_none() {
            process::apt_install(&["clamav-daemon"])?;
        }
        let folder = fresh_folder(&workspace.target, "clamd")?;
        let (signatures, log) = (folder.join("signatures"), folder.join("log"));
        std::fs::create_dir_all(&signatures)?;
        std::fs::write(signatures.join("eicar.hdb"), EICAR)?;
        let address = free_address()?;
        let mut config = format!(
            "Foreground yes\nLogFile {}\nDatabaseDirectory {}\nTCPAddr 127.0.0.1\nTCPSocket {}\n",
            log.display(),
            signatures.display(),
            address.port()
        );
        if process::is_root() {
            // It would become another user, who may not read the folder.
            config.push_str("User root\n");
        }
        std::fs::write(folder.join("clamd.conf"), config)?;
        let program = process::find("clamd").ok_or("clamd was installed but is not in the search path")?;
        let mut command = process::dies_with_us(program, "KILL");
        command.arg("--config-file").arg(folder.join("clamd.conf"));
        let said = std::fs::File::create(folder.join("said"))?;
        command.stdout(said.try_clone()?).stderr(said);
        let mut process = Running::start(&mut command)?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            if process.ended() || Instant::now() > deadline {
                let said = std::fs::read_to_string(folder.join("said")).unwrap_or_default();
                return Err(format!("clamd does not start:\n{said}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("clamd on port {}", address.port());
        Ok(Self { address, _process: process })
    }

    /// Returns the address as the configuration names it.
    pub(crate) fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }
}
