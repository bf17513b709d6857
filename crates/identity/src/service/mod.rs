//! Verbs: one file for each use case.

mod create_api_key;
mod first_keys;
mod introspect;
mod manage_signing_keys;
mod revoke_api_key;

pub use create_api_key::{CreateApiKey, CreatedApiKey};
pub use first_keys::{FirstKeys, PresetKeys};
pub use introspect::{Introspection, ServiceCredentials};
