//! The section `data` of the configuration.

/// Configures the Database API.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Whether callers may ask for their write to be undone after it is answered (`Prefer: tx=rollback`).
    pub allow_rollback: bool,
}
