//! The command line.

use std::path::PathBuf;

use bench::Outcome;
use bench::server::ServerCommand;

const USAGE: &str = "usage: load --folder DIR --bare PROGRAM --raw PROGRAM [--rounds N] [--seconds N] [--postgres PID --bin DIR]
            [SCENARIO] -- SERVER ARGUMENTS…   (settings as QUOIN_… in the environment)";

/// What was asked for.
pub(crate) struct Options {
    /// Where logs and samples go.
    pub folder: PathBuf,
    /// The baseline without an engine.
    pub bare: String,
    /// The baseline without HTTP.
    pub raw: String,
    /// How often each target is measured.
    pub rounds: usize,
    /// How long each measurement takes.
    pub seconds: u64,
    /// The postmaster, where the server runs on PostgreSQL.
    pub postgres: Option<u32>,
    /// Where `pgbench` and `psql` are.
    pub postgres_programs: PathBuf,
    /// How to start the server.
    pub command: ServerCommand,
    /// Its secret key.
    pub secret_key: String,
    /// Its database, where that is PostgreSQL.
    pub database_url: Option<String>,
    scenario: Option<String>,
}

impl Options {
    /// Reads arguments and environment.
    pub(crate) fn read() -> Outcome<Self> {
        let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let mut options = Self {
            folder: PathBuf::new(),
            bare: String::new(),
            raw: String::new(),
            rounds: 3,
            seconds: 5,
            postgres: None,
            postgres_programs: PathBuf::new(),
            command: ServerCommand { words: Vec::new(), address: setting("QUOIN_LISTEN")?.parse()? },
            secret_key: setting("QUOIN_SECRET_KEY")?,
            database_url: setting("QUOIN_DATABASE_URL").ok(),
            scenario: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            }
            if !argument.starts_with("--") {
                options.scenario = Some(argument);
                continue;
            }
            options.set(&argument, arguments.next().ok_or(USAGE)?)?;
        }
        options.command.words = arguments.collect();
        Ok(options)
    }

    fn set(&mut self, option: &str, value: String) -> Outcome {
        match option {
            "--folder" => self.folder = value.into(),
            "--bare" => self.bare = value,
            "--raw" => self.raw = value,
            "--rounds" => self.rounds = value.parse()?,
            "--seconds" => self.seconds = value.parse()?,
            "--postgres" => self.postgres = Some(value.parse()?),
            "--bin" => self.postgres_programs = value.into(),
            _ => return Err(USAGE.into()),
        }
        Ok(())
    }

    /// Tells whether a scenario was asked for, by name or number.
    pub(crate) fn wants(&self, name: &str, number: u32) -> bool {
        self.scenario.as_ref().is_none_or(|wanted| wanted == name || *wanted == number.to_string())
    }

    /// Names the engine.
    pub(crate) fn engine(&self) -> &'static str {
        if self.database_url.is_some() { "PostgreSQL" } else { "SQLite" }
    }
}
