//! SQL, and nothing else. Files named `*_global.rs` hold what belongs to no tenant: people join several.

pub mod api_keys_global;
pub(crate) mod challenges_global;
pub(crate) mod codes_global;
pub(crate) mod factors_global;
pub(crate) mod identities_global;
pub(crate) mod links_global;
pub(crate) mod oauth_flows_global;
pub(crate) mod sessions_global;
pub mod signing_keys_global;
pub(crate) mod users_global;
