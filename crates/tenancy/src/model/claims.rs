//! An organisation's metadata, and which of it its members' tokens say.

use serde_json::{Map, Value};

/// How many bytes of JSON an organisation's metadata may take: every call of its members carries it.
pub const MAX_METADATA_BYTES: usize = 2048;
/// How deep its values may be nested.
const MAX_DEPTH: usize = 8;

/// Claims that say who somebody is, and that no metadata may say instead.
pub const RESERVED_CLAIMS: &[&str] = &[
    "aal",
    "acr",
    "act",
    "alg",
    "amr",
    "app_metadata",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "events",
    "exp",
    "iat",
    "is_anonymous",
    "iss",
    "jti",
    "kid",
    "may_act",
    "needs_second_factor",
    "nbf",
    "nonce",
    "phone",
    "phone_verified",
    "role",
    "scope",
    "scp",
    "session_id",
    "sid",
    "sub",
    "sub_id",
    "typ",
    "user_metadata",
];

/// Prefixes that Quoin keeps for its own claims.
const RESERVED_PREFIXES: &[&str] = &["org_", "quoin_", "sso_"];

/// Checks metadata.
///
/// # Errors
/// The rule that it breaks.
pub fn check_metadata(metadata: &Map<String, Value>) -> Result<(), &'static str> {
    let text = serde_json::to_string(metadata).unwrap_or_default();
    if text.len() > MAX_METADATA_BYTES {
        return Err("must take at most 2048 bytes of JSON");
    }
    if !metadata.iter().all(|(name, value)| is_storable(name) && check_value(value, 1)) {
        return Err("must hold no NUL character and be nested at most 8 deep");
    }
    Ok(())
}

/// Returns what tokens say of the metadata: everything whose name is not reserved.
pub fn claims_of(metadata: Map<String, Value>) -> Map<String, Value> {
    metadata.into_iter().filter(|(name, _)| !is_reserved(name)).collect()
}

/// Tells whether a claim's name is Quoin's.
pub fn is_reserved(name: &str) -> bool {
    RESERVED_CLAIMS.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

fn check_value(value: &Value, depth: usize) -> bool {
    match value {
        _ if depth > MAX_DEPTH => false,
        Value::String(text) => is_storable(text),
        Value::Array(values) => values.iter().all(|value| check_value(value, depth + 1)),
        Value::Object(values) => {
            values.iter().all(|(name, value)| is_storable(name) && check_value(value, depth + 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
