//! Query strings and paths as values.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use quoin_kernel::Problem;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::json::misfit;
use crate::refusal::Refusal;

/// Takes a query string that has the shape of `T`.
#[derive(Debug, Clone, Copy)]
pub struct ValidQuery<T>(pub T);

/// Takes path parameters that have the shape of `T`: one value, a tuple, or a struct by name.
#[derive(Debug, Clone, Copy)]
pub struct ValidPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema> FromRequestParts<S> for ValidQuery<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        let value = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| misfit(&error.path().to_string(), &error.inner().to_string()))?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ValidPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status().is_client_error() => {
                Err(Problem::invalid(format!("The path is not valid: {}", rejection.body_text())).into())
            }
            Err(rejection) => Err(Problem::internal(rejection).into()),
        }
    }
}
