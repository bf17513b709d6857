//! Signing URLs over HTTP. What is given is below `/storage/v1`, which the clients put before it.

use quoin_web::{Anyone, Ctx, HeaderMap, Json, Refusal, State, ValidJson, ValidPath, ValidQuery};
use serde::{Deserialize, Serialize};

use super::buckets::named;
use super::objects::several;
use super::render::TransformIn;
use super::upload::wants_upsert;
use crate::error::FilesError;
use crate::model::requester::{READ, WRITE};
use crate::model::{ObjectName, OwnerIn};
use crate::service::Files;
use crate::service::sign;

/// For how long to sign.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignIn {
    /// Seconds, 1 or more.
    expires_in: u64,
    /// Signs for a picture in another size instead.
    transform: Option<TransformIn>,
}

/// What to sign, and for how long.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignManyIn {
    /// Seconds, 1 or more.
    expires_in: u64,
    /// The objects' names.
    paths: Vec<String>,
}

/// A signed URL.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct SignedOut {
    /// Path and query below `/storage/v1`.
    #[serde(rename = "signedURL")]
    signed_url: String,
}

/// One of several signed URLs.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct SignedOneOut {
    /// Why there is none; null where there is one.
    error: Option<&'static str>,
    /// The object's name, as it was asked for.
    path: String,
    /// Path and query below `/storage/v1`.
    #[serde(rename = "signedURL")]
    signed_url: Option<String>,
}

/// A signed URL for storing.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct UploadOut {
    /// Path and query below `/storage/v1`.
    url: String,
    /// What the query carries.
    token: String,
}

pub(super) async fn sign(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<SignIn>,
) -> Result<Json<SignedOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, READ).await?;
    let expires_in = sign::check_expires_in(input.expires_in)?;
    let (bucket, name) = (named(&bucket)?, ObjectName::new(&path).map_err(|_| FilesError::NoSuchObject)?);
    if let Some(wish) = &input.transform {
        let wish = wish.check()?;
        let token = sign::sign_render(&files, &requester, (&bucket, &name), wish, expires_in).await?;
        return Ok(Json(SignedOut {
            signed_url: format!("/render/image/sign/{bucket}/{name}?token={token}"),
        }));
    }
    let token = sign::sign_read(&files, &requester, (&bucket, &name), expires_in).await?;
    Ok(Json(SignedOut { signed_url: format!("/object/sign/{bucket}/{name}?token={token}") }))
}

pub(super) async fn sign_many(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(bucket): ValidPath<String>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<SignManyIn>,
) -> Result<Json<Vec<SignedOneOut>>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, READ).await?;
    let expires_in = sign::check_expires_in(input.expires_in)?;
    let bucket = named(&bucket)?;
    let names = several(&input.paths)?;
    let usable = names.iter().flatten().cloned().collect();
    let signed = sign::sign_reads(&files, &requester, (&bucket, usable), expires_in).await?;
    let mut signed = signed.into_iter();
    let answers = input.paths.into_iter().zip(names).map(|(path, name)| {
        let token = name.as_ref().and_then(|_| signed.next().flatten());
        let signed_url =
            token.zip(name).map(|(token, name)| format!("/object/sign/{bucket}/{name}?token={token}"));
        let error = signed_url
            .is_none()
            .then_some("Either the object does not exist or you do not have access to it");
        SignedOneOut { error, path, signed_url }
    });
    Ok(Json(answers.collect()))
}

pub(super) async fn sign_upload(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    headers: HeaderMap,
) -> Result<Json<UploadOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let (bucket, name) = (named(&bucket)?, ObjectName::new(&path)?);
    let token = sign::sign_upload(&files, &requester, (&bucket, &name), wants_upsert(&headers)).await?;
    Ok(Json(UploadOut { url: format!("/object/upload/sign/{bucket}/{name}?token={token}"), token }))
}
