//! Single objects over HTTP: info, remove, move, copy.

use quoin_web::{
    Anyone, Ctx, HeaderMap, Json, Refusal, State, Unidentified, ValidJson, ValidPath, ValidQuery,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::buckets::named;
use super::out::{InfoOut, MessageOut, ObjectOut, StoredOut};
use super::upload::{content_type_or_default, metadata_of, wants_upsert};
use crate::error::FilesError;
use crate::model::requester::{READ, WRITE};
use crate::model::{ObjectName, OwnerIn};
use crate::service::Files;
use crate::service::copy_object::{self, Differences};
use crate::service::delete_objects;
use crate::service::move_object::{self, Place};
use crate::service::read_object::{Reader, find_object};

/// The most objects of one call.
pub(super) const MAX_OBJECTS: usize = 1000;

/// Which objects to remove.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct PrefixesIn {
    /// Their names.
    prefixes: Vec<String>,
}

/// From where to where.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlacesIn {
    /// The bucket of the source.
    bucket_id: String,
    /// The name of the source.
    source_key: String,
    /// The bucket of the target; the source's where none is named.
    destination_bucket: Option<String>,
    /// The name of the target.
    destination_key: String,
    /// With a copy: whether to take the source's metadata over, which is so by default.
    copy_metadata: Option<bool>,
    /// With a copy: what to say instead of what the source says.
    metadata: Option<CopiedIn>,
}

/// What a copy says of itself.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CopiedIn {
    /// How long readers may keep it.
    cache_control: Option<String>,
    /// Its media type.
    mimetype: Option<String>,
}

impl PlacesIn {
    fn check(&self) -> Result<(Place, Place), FilesError> {
        let source = named(&self.bucket_id)?;
        let target = self.destination_bucket.as_deref().map_or_else(|| Ok(source.clone()), named)?;
        // A name that cannot be one names nothing.
        let name = ObjectName::new(&self.source_key).map_err(|_| FilesError::NoSuchObject)?;
        let from = Place { bucket: source, name };
        Ok((from, Place { bucket: target, name: ObjectName::new(&self.destination_key)? }))
    }
}

pub(super) async fn info(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
) -> Result<Json<InfoOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, READ).await?;
    Ok(Json(describe(&files, (&bucket, &path), Reader::Owner(requester.owner, requester.policies)).await?))
}

pub(super) async fn info_public(
    _ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
) -> Result<Json<InfoOut>, Refusal> {
    Ok(Json(describe(&files, (&bucket, &path), Reader::Public).await?))
}

async fn describe(
    files: &Files,
    (bucket, path): (&str, &str),
    reader: Reader,
) -> Result<InfoOut, FilesError> {
    let (bucket, name) = (named(bucket)?, ObjectName::new(path).map_err(|_| FilesError::NoSuchObject)?);
    let (bucket, object) = find_object(files, &bucket, &name, reader).await?;
    Ok(InfoOut::new(&bucket.name, object))
}

pub(super) async fn delete(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
) -> Result<Json<MessageOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let name = ObjectName::new(&path).map_err(|_| FilesError::NoSuchObject)?;
    delete_objects::delete_object(&files, &requester, &named(&bucket)?, name).await?;
    Ok(Json(MessageOut { message: "Successfully deleted" }))
}

pub(super) async fn delete_many(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(bucket): ValidPath<String>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<PrefixesIn>,
) -> Result<Json<Vec<ObjectOut>>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let names = several(&input.prefixes)?.into_iter().flatten().collect();
    let bucket = named(&bucket)?;
    let removed = delete_objects::delete_objects(&files, &requester, &bucket, names).await?;
    Ok(Json(removed.iter().map(|object| ObjectOut::of(object).in_bucket(&bucket, object)).collect()))
}

/// Reads a bounded list of names; `None` for what cannot be one.
pub(super) fn several(names: &[String]) -> Result<Vec<Option<ObjectName>>, FilesError> {
    if names.is_empty() || names.len() > MAX_OBJECTS {
        return Err(FilesError::InvalidRequest("Name 1 to 1000 objects."));
    }
    Ok(names.iter().map(|name| ObjectName::new(name).ok()).collect())
}

pub(super) async fn move_object(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<PlacesIn>,
) -> Result<Json<Value>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let (from, to) = input.check()?;
    let moved = move_object::move_object(&files, &requester, from, to).await?;
    Ok(Json(json!({"message": "Successfully moved", "Id": moved.id, "Key": moved.name.as_str()})))
}

pub(super) async fn copy(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    headers: HeaderMap,
    ValidJson(input): ValidJson<PlacesIn>,
) -> Result<Json<Value>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let places = input.check()?;
    let bucket = places.1.bucket.clone();
    let differences = differences(&input, &headers)?;
    let copied =
        copy_object::copy_object(&files, &requester, places, differences, wants_upsert(&headers)).await?;
    let mut body = json!(ObjectOut::of(&copied).in_bucket(&bucket, &copied));
    if let (Some(body), Value::Object(stored)) =
        (body.as_object_mut(), json!(StoredOut::new(&bucket, &copied)))
    {
        body.extend(stored);
    }
    Ok(Json(body))
}

/// What the source says holds, unless the call says otherwise.
fn differences(input: &PlacesIn, headers: &HeaderMap) -> Result<Differences, FilesError> {
    let mut differences = Differences::default();
    if let Some(said) = &input.metadata {
        differences.content_type =
            said.mimetype.clone().map(|kind| content_type_or_default(Some(kind))).transpose()?;
        let unusable =
            |text: &String| text.len() > 255 || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if said.cache_control.as_ref().is_some_and(unusable) {
            return Err(FilesError::InvalidDescription("cacheControl cannot be sent as a header."));
        }
        differences.cache_control.clone_from(&said.cache_control);
    }
    if headers.contains_key("x-metadata") || input.copy_metadata == Some(false) {
        differences.user_metadata = Some(metadata_of(headers)?);
    }
    Ok(differences)
}
