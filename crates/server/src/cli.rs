//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    backup, doctor, files, generate, keys, migrations, orgs, payments, restore, stripe_twin, users, webhooks,
};
use crate::settings::{self, Overrides, Settings};

/// Quoin: the backend of a SaaS product in one program.
#[derive(Debug, Parser)]
#[command(name = "quoin", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command. Each, and every other setting, is also a variable; docs/config.md lists them.
#[derive(Debug, clap::Args)]
struct Options {
    /// Configuration file [default: quoin.toml, where it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Directory of everything that stays [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// PostgreSQL instead of SQLite: postgres://user:password@host/database
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Serve only these rooms, separated by commas: identity, data, files, payments
    #[arg(long, global = true, value_name = "ROOMS")]
    only: Option<String>,
    /// Base of every link that Quoin sends [default: http:// and the listen address]
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<String>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve,
    /// Apply the system's and your own migrations
    Migrate,
    /// Make, list and revoke API keys; rotate the signing key
    #[command(subcommand)]
    Keys(keys::Command),
    /// Bring people in or out, with the hashes of their passwords
    #[command(subcommand)]
    Users(users::Command),
    /// Found organisations for customers
    #[command(subcommand)]
    Orgs(orgs::Command),
    /// Compare with the provider of payments; bring plans in line with a file
    #[command(subcommand)]
    Payments(payments::Command),
    /// Verify what the stores hold, or move it into another one, while it is in use
    #[command(subcommand)]
    Files(files::Command),
    /// Check the configuration and everything it leads to
    Doctor,
    /// Copy the SQLite database while it is in use
    Backup(backup::Arguments),
    /// Put a backup in the place of the SQLite database
    Restore(restore::Arguments),
    /// Serve the twin of Stripe alone, or pull its levers
    StripeTwin(stripe_twin::Arguments),
    /// Keep what Stripe delivers, and deliver it again
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Write generated documents
    #[command(hide = true)]
    Gen(generate::Arguments),
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The last word of a command that failed; logging may not even have begun.
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> Result<(), String> {
    let json = cli.options.json;
    if let Command::Gen(arguments) = cli.command {
        return generate::run(&arguments);
    }
    let settings = cli.options.settings()?;
    match cli.command {
        Command::Serve => crate::serve::serve(&settings).map_err(|error| error.to_string()),
        Command::Migrate => migrations::run(&settings, json),
        Command::Keys(command) => keys::run(&settings, command, json),
        Command::Users(command) => users::run(&settings, &command, json),
        Command::Orgs(command) => orgs::run(&settings, &command, json),
        Command::Payments(command) => payments::run(&settings, command, json),
        Command::Files(command) => files::run(&settings, &command, json),
        Command::Doctor => doctor::run(&settings, json),
        Command::Backup(arguments) => backup::run(&settings, &arguments, json),
        Command::Restore(arguments) => restore::run(&settings, &arguments, json),
        Command::StripeTwin(arguments) => stripe_twin::run(&settings, arguments, json),
        Command::Webhooks(command) => webhooks::run(command, json),
        Command::Gen(_) => Ok(()),
    }
}

impl Options {
    fn settings(&self) -> Result<Settings, String> {
        let mut overrides = Overrides { file: self.config.clone(), ..Overrides::default() };
        let given = [
            ("listen", &self.listen),
            ("data_dir", &self.data_dir),
            ("database_url", &self.database_url),
            ("only", &self.only),
            ("public_url", &self.public_url),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                overrides.values.insert(key, value.clone());
            }
        }
        settings::load(&overrides, &settings::environment()).map_err(|error| error.to_string())
    }
}
