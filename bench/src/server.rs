//! A server process under observation: started, asked whether it is ready, measured, killed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::http::{Request, once};

/// The ticks of `/proc/PID/stat` in a second; Linux has shown 100 to programs since 2.6 whatever the kernel's own rate.
const TICKS_PER_SECOND: u64 = 100;

/// How to start a server: its words, with the settings inherited from our environment.
#[derive(Debug, Clone)]
pub struct ServerCommand {
    /// Program and arguments.
    pub words: Vec<String>,
    /// Where it will listen, as `QUOIN_LISTEN` tells it too.
    pub address: SocketAddr,
}

/// A running process, killed when this value goes.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time in user and kernel mode.
    pub processor: Duration,
    /// The most memory it ever held, in KiB.
    pub peak_kib: u64,
    /// The memory it holds, in KiB.
    pub resident_kib: u64,
}

impl ServerCommand {
    /// Starts the process, its output appended to `log`, without waiting.
    pub fn start(&self, log: &Path) -> Outcome<ServerProcess> {
        let (program, arguments) = self.words.split_first().ok_or("no server to start")?;
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
        Ok(ServerProcess { child, address: self.address })
    }

    /// Starts the process and waits until it is ready; returns how long that took.
    pub async fn start_ready(&self, log: &Path, patience: Duration) -> Outcome<(ServerProcess, Duration)> {
        let start = Instant::now();
        let mut process = self.start(log)?;
        let ready = Request::new("GET", "/readyz");
        while !once(self.address, &ready).await.is_ok_and(|(status, _)| status == 200) {
            if let Some(status) = process.child.try_wait()? {
                return Err(format!("the server ended by itself: {status}; see {}", log.display()).into());
            }
            if start.elapsed() > patience {
                return Err(format!("not ready after {patience:?}; see {}", log.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((process, start.elapsed()))
    }
}

impl ServerProcess {
    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it as a power cut would, and waits for the body.
    pub fn kill(&mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.kill();
    }
}

/// Reads what a process has used.
pub fn usage(process: u32) -> Outcome<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = processor_ticks(&stat).ok_or("an unreadable /proc/PID/stat")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let processor = Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND);
    Ok(Usage { processor, peak_kib: kib("VmHWM:"), resident_kib: kib("VmRSS:") })
}

/// Adds up the processor time of a process's children, such as the backends of PostgreSQL that still run.
pub fn processor_of_children(parent: u32) -> Duration {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = folders.filter_map(|folder| std::fs::read_to_string(folder.path().join("stat")).ok());
    let children = stats.filter(|stat| field(stat, 1).and_then(|id| id.parse().ok()) == Some(parent));
    Duration::from_millis(
        children.filter_map(|stat| processor_ticks(&stat)).sum::<u64>() * 1000 / TICKS_PER_SECOND,
    )
}

/// utime and stime are fields 14 and 15, of which the first two (id and name) are cut off here.
fn processor_ticks(stat: &str) -> Option<u64> {
    Some(field(stat, 11)?.parse::<u64>().ok()? + field(stat, 12)?.parse::<u64>().ok()?)
}

/// The name may hold spaces and brackets, so the fields are counted from its last bracket.
fn field(stat: &str, index: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(index)
}

#[cfg(test)]
mod tests {
    use super::{field, processor_ticks};

    #[test]
    fn fields_are_counted_after_the_name() {
        let stat = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 0 0 0 150 25 0 0 20 0";
        assert_eq!(field(stat, 1), Some("7"));
        assert_eq!(processor_ticks(stat), Some(175));
    }
}
