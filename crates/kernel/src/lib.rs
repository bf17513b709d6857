//! The words every room speaks: ids, time, randomness, callers, secrets, problems, events and ports.
//!
//! Reading order: [`id`] and [`time`] (what things are called and when they happen), [`caller`] (who is asking),
//! [`problem`] (how refusing looks), [`port`] (what rooms may ask of each other without knowing each other).
//!
//! What is absent: no database, no HTTP, no async runtime, no files. The system clock and the system's random source
//! are the only doors to the outside, and both are parameters everywhere else.

pub mod billing;
pub mod caller;
pub mod clock;
pub mod email;
pub mod event;
pub mod hash;
pub mod id;
pub mod job;
pub mod language;
pub mod page;
pub mod port;
pub mod problem;
pub mod rng;
pub mod seal;
pub mod secret;
pub mod time;

pub use caller::{Aal, ApiKeyCaller, Caller, CustomRole, Issuer, Role, Standing, UserCaller, permission};
pub use clock::Clock;
pub use email::EmailAddress;
pub use id::{ApiKeyId, EventId, Id, JobId, OrgId, SessionId, UserId};
pub use language::Language;
pub use problem::Problem;
pub use rng::Rng;
pub use secret::Secret;
pub use time::Timestamp;
