//! SQL, and nothing else. Files named `*_global.rs` hold what belongs to no tenant.

pub mod api_keys_global;
pub mod signing_keys_global;
