//! Path parameters by name.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use quoin_kernel::Problem;

/// Returns the path parameter `name`, decoded, where the route has it.
pub(crate) async fn path_param(parts: &mut Parts, name: &str) -> Result<Option<String>, Problem> {
    let Ok(params) = RawPathParams::from_request_parts(parts, &()).await else {
        return Ok(None);
    };
    Ok(params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()))
}
