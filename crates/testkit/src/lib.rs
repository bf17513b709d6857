//! A whole instance in process, and the people who try it. For `server/tests/it` alone.
//!
//! [`on_each_engine`] starts a [`TestServer`] on a fresh SQLite database and, where a server is named, on a fresh
//! PostgreSQL database. Personas sign up through the real doors: `anon`, a person with an organisation, a stranger with
//! another one, the platform's key. The clock is fixed; jobs run when the test says so.

mod answer;
mod authenticator;
mod person;
mod server;

pub use answer::Answer;
pub use authenticator::Authenticator;
pub use person::{Person, claims};
pub use server::{Changes, TestServer, on_each_engine, on_each_engine_with};
