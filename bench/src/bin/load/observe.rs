//! What the server uses while it is driven: processor, memory, syncs.

use std::process::Command;
use std::time::Duration;

use bench::Outcome;
use bench::server::{processor_of_children, usage};

use crate::options::Options;

/// A reading of the processor's clock for the server and for PostgreSQL's processes.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// The server's user and system time.
    pub server: Duration,
    /// That of PostgreSQL's backends.
    pub postgres: Duration,
    /// The server's peak memory in KiB.
    pub peak_kib: u64,
}

/// Reads the clocks.
pub(crate) fn read(options: &Options, server: u32) -> Outcome<Reading> {
    let used = usage(server)?;
    let postgres = options.postgres.map(processor_of_children).unwrap_or_default();
    Ok(Reading { server: used.processor, postgres, peak_kib: used.peak_kib })
}

/// Counts a server's syncs while it is driven: by strace on SQLite, by PostgreSQL's own counter there.
pub(crate) enum SyncCounter {
    /// A running strace, and where it writes.
    Strace(std::process::Child, std::path::PathBuf),
    /// The counter before.
    Postgres(u64),
    /// Neither is to be had on this machine.
    Unavailable,
}

impl SyncCounter {
    /// Starts to count; strace ends by itself after `span`.
    pub(crate) fn start(options: &Options, server: u32, span: Duration) -> Outcome<Self> {
        if options.database_url.is_some() {
            return Ok(Self::Postgres(wal_syncs(options)?));
        }
        let file = options.folder.join("strace");
        let mut command = Command::new("timeout");
        command.args([
            "-s",
            "INT",
            &span.as_secs_f32().to_string(),
            "strace",
            "-f",
            "-q",
            "-c",
            "-e",
            "trace=fsync,fdatasync",
        ]);
        command.arg("-o").arg(&file).args(["-p", &server.to_string()]);
        let spawned = command.stderr(std::process::Stdio::null()).spawn();
        Ok(spawned.map_or(Self::Unavailable, |child| Self::Strace(child, file)))
    }

    /// Returns the count, where there is one.
    pub(crate) fn finish(self, options: &Options) -> Outcome<Option<u64>> {
        match self {
            Self::Strace(mut child, file) => {
                child.wait()?;
                Ok(Some(calls(&std::fs::read_to_string(file).unwrap_or_default())))
            }
            Self::Postgres(before) => Ok(Some(wal_syncs(options)?.saturating_sub(before))),
            Self::Unavailable => Ok(None),
        }
    }
}

/// Adds up the column of calls in strace's summary: `% time, seconds, usecs/call, calls, [errors,] syscall`.
fn calls(summary: &str) -> u64 {
    let lines = summary.lines().filter(|line| line.ends_with("fsync") || line.ends_with("fdatasync"));
    lines.filter_map(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok()).sum()
}

fn wal_syncs(options: &Options) -> Outcome<u64> {
    let mut psql = Command::new(options.postgres_programs.join("psql"));
    psql.args(["-X", "-At", "-c", "select wal_sync from pg_stat_wal"]).args(&options.database_url);
    let output = psql.output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn a_summary_of_strace_is_read() {
        let summary = "% time     seconds  usecs/call     calls    errors syscall\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       100.00    1.234567         120       873           fdatasync\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       100.00    1.234567         120       873           total\n";
        assert_eq!(calls(summary), 873);
    }
}
