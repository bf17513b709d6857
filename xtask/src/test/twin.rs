//! The Stripe twin as a process of its own, beside servers that speak with it as with Stripe.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::server::free_address;
use crate::Outcome;
use crate::process::{self, Running};

/// A running twin.
pub(super) struct Twin {
    /// Where it answers.
    pub(super) url: String,
    /// The secret under which it signs events.
    pub(super) webhook_secret: String,
    /// Ends it when this value goes.
    _process: Running,
}

impl Twin {
    /// Starts a twin that tells a server, which need not listen yet, of every event.
    pub(super) fn start(quoin: &Path, folder: &Path, server: SocketAddr) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        let (address, log) = (free_address()?, folder.join("log"));
        let mut command = process::dies_with_us(quoin, "KILL");
        command.env_clear().current_dir(folder).args(["stripe-twin", "--listen", &address.to_string()]);
        command.arg("--data-dir").arg(folder.join("data"));
        command.args(["--forward-to", &format!("http://{server}/stripe")]);
        let file = std::fs::File::create(&log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let mut process = Running::start(&mut command)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let said = std::fs::read_to_string(&log)?;
            if let Some(secret) = said.lines().find_map(|line| line.strip_prefix("webhook secret")) {
                let (url, webhook_secret) = (format!("http://{address}"), secret.trim().to_owned());
                return Ok(Self { url, webhook_secret, _process: process });
            }
            if process.ended() || Instant::now() > deadline {
                return Err(format!("the Stripe twin does not get ready:\n{said}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
