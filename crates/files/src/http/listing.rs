//! Lists over HTTP.

use quoin_kernel::Timestamp;
use quoin_web::{Anyone, Ctx, Json, Refusal, State, ValidJson, ValidPath, ValidQuery};
use serde::{Deserialize, Serialize};

use super::buckets::named;
use super::out::ObjectOut;
use crate::model::requester::READ;
use crate::model::{Object, OwnerIn};
use crate::service::Files;
use crate::service::list::{self, FolderIn, PrefixIn, Sort};

/// How to sort.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
pub(super) struct SortIn {
    /// `name`, `created_at`, `updated_at` or `last_accessed_at`.
    column: Option<String>,
    /// `asc` or `desc`.
    order: Option<String>,
}

/// Which part of which folder.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FolderBody {
    /// The folder.
    #[serde(default)]
    prefix: String,
    /// How many entries, 100 by default, 1000 at most.
    limit: Option<u32>,
    /// How many to skip.
    offset: Option<u32>,
    /// What entries begin with, whatever the case.
    #[serde(default)]
    search: Option<String>,
    /// How to sort; by name where nothing is said.
    sort_by: Option<SortIn>,
}

/// Which page below which prefix.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct PrefixBody {
    /// What names begin with.
    #[serde(default)]
    prefix: Option<String>,
    /// How many entries, 1000 at most and by default.
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
    /// Whether what is below a further slash is shown as a folder.
    #[serde(default)]
    with_delimiter: Option<bool>,
    /// How to sort; by name where nothing is said.
    #[serde(rename = "sortBy")]
    sort_by: Option<SortIn>,
}

/// A page below a prefix.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrefixOut {
    /// Whether there is more.
    has_next: bool,
    /// Asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// The folders, with a slash at the end.
    folders: Vec<FolderOut>,
    /// The objects.
    objects: Vec<EntryOut>,
}

/// A folder.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct FolderOut {
    /// Its last part.
    key: String,
    /// All of its name.
    name: String,
}

/// An object below a prefix.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct EntryOut {
    /// Its last part.
    key: String,
    /// The same as `updated_at`, as S3 calls it.
    #[serde(rename = "lastModified")]
    last_modified: Timestamp,
    /// The rest.
    #[serde(flatten)]
    object: ObjectOut,
}

impl SortIn {
    fn sort(&self) -> Sort<'_> {
        Sort { column: self.column.as_deref(), order: self.order.as_deref() }
    }
}

pub(super) async fn folder(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(bucket): ValidPath<String>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<FolderBody>,
) -> Result<Json<Vec<ObjectOut>>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, READ).await?;
    let wish = FolderIn {
        folder: &input.prefix,
        search: input.search.as_deref().unwrap_or_default(),
        limit: input.limit.unwrap_or(100),
        offset: input.offset.unwrap_or(0),
        sort: input.sort_by.as_ref().map(SortIn::sort).unwrap_or_default(),
    };
    let found = list::list_folder(&files, &requester, &named(&bucket)?, wish).await?;
    let folders = found.folders.into_iter().map(ObjectOut::folder);
    Ok(Json(folders.chain(found.objects.iter().map(ObjectOut::leaf)).collect()))
}

pub(super) async fn prefix(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(bucket): ValidPath<String>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<PrefixBody>,
) -> Result<Json<PrefixOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, READ).await?;
    let wish = PrefixIn {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        with_folders: input.with_delimiter.unwrap_or(false),
        limit: input.limit.unwrap_or(list::MAX_LIMIT),
        cursor: input.cursor.as_deref().filter(|cursor| !cursor.is_empty()),
        sort: input.sort_by.as_ref().map(SortIn::sort).unwrap_or_default(),
    };
    let found = list::list_prefix(&files, &requester, &named(&bucket)?, wish).await?;
    Ok(Json(PrefixOut {
        has_next: found.next.is_some(),
        next_cursor: found.next,
        folders: found.folders.into_iter().map(FolderOut::from).collect(),
        objects: found.objects.iter().map(EntryOut::from).collect(),
    }))
}

impl From<String> for FolderOut {
    fn from(name: String) -> Self {
        let trimmed = name.trim_end_matches('/');
        Self { key: trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned(), name }
    }
}

impl From<&Object> for EntryOut {
    fn from(object: &Object) -> Self {
        let key = object.name.leaf().to_owned();
        Self { key, last_modified: object.updated_at, object: ObjectOut::of(object) }
    }
}
