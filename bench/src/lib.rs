//! Drives a server from outside: how fast it is, and whether it keeps its word when it is killed.
//!
//! `cargo xtask bench` and `cargo xtask test` build and start these programs; each also runs by hand:
//! - `load` measures the scenarios against a server and its baselines,
//! - `bare` is the baseline without an engine: the least that axum can do with the same JSON,
//! - `raw` is the baseline without HTTP: the engine doing the same statements,
//! - `crash` kills a server under load, again and again, and looks for what it had promised.
//!
//! Reading order: [`http`] (one keep-alive connection), [`server`] (a process under observation), [`people`] (accounts to
//! act as), [`figures`] (what numbers become).
#![allow(
    clippy::disallowed_methods,
    reason = "a driver starts programs and measures with the machine's own clock"
)]

pub mod figures;
pub mod http;
pub mod people;
pub mod random;
pub mod server;

/// What every driver ends with: a value, or the reason why it could not go on.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
