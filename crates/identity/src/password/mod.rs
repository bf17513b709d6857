//! Passwords: Argon2id on threads of its own, and the list of those that everybody tries first.

mod foreign;
mod pool;
mod strength;

pub(crate) use foreign::Foreign;
pub use pool::{Passwords, Verdict};
pub use strength::{WeakPassword, check_strength};
