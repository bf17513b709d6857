//! The one program: configuration, composition, listeners and commands.
//!
//! Reading order: [`settings`] (what can be set), [`boot`] (how the rooms are put together), [`modules`] (the table of
//! contents), [`serve`] (threads, listeners, signals), [`admin_door`] (how commands reach a running server), `commands/`.

pub mod admin_door;
pub mod boot;
mod cli;
mod commands;
mod control;
pub mod data_dir;
mod instance_global;
mod logging;
pub mod modules;
mod passkeys;
mod providers;
pub mod serve;
pub mod settings;
mod stores;
pub mod stripe_twin;
mod upstream;
mod user_migrations;
mod welcome;

pub use cli::run;
