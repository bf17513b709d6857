//! Limits on how often: per address in memory, per account in the database so that they survive a restart.

mod counter;
mod ip;
mod store;
#[cfg(test)]
mod tests;

pub use counter::Counter;
pub use ip::IpLimit;
pub(crate) use store::{ALL, purge};
