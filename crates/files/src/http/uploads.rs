//! Direct uploads over HTTP.

use quoin_kernel::Timestamp;
use quoin_web::{
    Anyone, Ctx, Json, Refusal, Request, State, StatusCode, Unidentified, ValidJson, ValidPath, ValidQuery,
    header,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::buckets::named;
use super::out::StoredOut;
use super::upload::{TokenIn, content_type_or_default, pieces};
use crate::error::FilesError;
use crate::model::requester::WRITE;
use crate::model::{Description, ObjectName, OwnerIn, VersionId};
use crate::service::Files;
use crate::service::direct_upload::{self, Ready};
use crate::service::store_object::NewObject;

/// What is to be uploaded.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadIn {
    /// The bucket's name.
    bucket: String,
    /// The object's name.
    path: String,
    /// How many bytes.
    size: u64,
    /// Of which type; `application/octet-stream` where nothing is said.
    content_type: Option<String>,
    /// With which SHA-256, in hexadecimal digits.
    sha256: Option<String>,
    /// Whether it may take the place of an object.
    #[serde(default)]
    upsert: bool,
    /// How long readers may keep a copy.
    cache_control: Option<String>,
    /// A JSON object of the uploader's own.
    metadata: Option<Map<String, Value>>,
}

/// Where to send it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct UploadOut {
    /// The upload.
    upload_id: VersionId,
    /// The URL.
    url: String,
    /// The method.
    method: &'static str,
    /// The headers that must be sent exactly so.
    headers: Value,
    /// From when on nothing can be sent.
    expires_at: Timestamp,
}

pub(super) async fn announce(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<UploadIn>,
) -> Result<(StatusCode, Json<UploadOut>), Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let (bucket, name) = (named(&input.bucket)?, ObjectName::new(&input.path)?);
    let sha256 = input.sha256.as_deref().map(hash).transpose()?;
    let mut new = NewObject::by(&requester, bucket, name, input.describe()?);
    new.replaces = input.upsert;
    new.size_bytes = Some(input.size);
    let Ready { id, signed, expires_at } = direct_upload::announce(&files, &requester, new, sha256).await?;
    let headers = signed.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let out = UploadOut {
        upload_id: id,
        url: signed.url,
        method: signed.method,
        headers: Value::Object(headers),
        expires_at,
    };
    Ok((StatusCode::CREATED, Json(out)))
}

pub(super) async fn receive(
    _ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath(id): ValidPath<VersionId>,
    ValidQuery(input): ValidQuery<TokenIn>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let size_bytes = text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let bytes = pieces(body);
    direct_upload::receive(&files, (id, &input.token), (&content_type, size_bytes), bytes).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn complete(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(id): ValidPath<VersionId>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
) -> Result<Json<StoredOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let (bucket, object) = direct_upload::complete(&files, &requester, id).await?;
    Ok(Json(StoredOut::new(&bucket, &object)))
}

impl UploadIn {
    fn describe(&self) -> Result<Description, FilesError> {
        let cache_control = self.cache_control.clone().unwrap_or_else(|| "no-cache".into());
        if cache_control.len() > 255 || !cache_control.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(FilesError::InvalidDescription("cache_control cannot be sent as a header."));
        }
        Ok(Description {
            content_type: content_type_or_default(self.content_type.clone())?,
            content_encoding: None,
            cache_control,
            user_metadata: Value::Object(self.metadata.clone().unwrap_or_default()),
        })
    }
}

/// Reads 64 hexadecimal digits.
fn hash(text: &str) -> Result<[u8; 32], FilesError> {
    let wrong = || FilesError::InvalidRequest("sha256 must be 64 hexadecimal digits.");
    let digits = Some(text).filter(|text| text.len() == 64 && text.is_ascii()).ok_or_else(wrong)?;
    let mut hash = [0_u8; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}
