//! Limits on how often: per address in memory, per account in the database so that they survive a restart.

mod ip;

pub use ip::IpLimit;
