//! Pictures in other sizes: found where they are kept, else rendered and kept for a while.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quoin_db::{DbError, Tx};

use super::Files;
use super::intent::Writing;
use super::read_object::{self, Reader};
use crate::error::FilesError;
use crate::images::{ImageEngine, ImageError, Rendered, Transformation};
use crate::model::{BucketName, Object, ObjectName, Owner, StoreKey, VersionId};
use crate::port::{ByteStream, Label, StoreError};
use crate::store::intents_global;
use crate::store::renditions::{self, Rendition};

/// For how long a rendered picture is kept.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// How many pictures are kept of one version, so that nobody fills the store by asking for every size there is.
const MOST_KEPT: i64 = 64;
/// How many sources are held in memory at a time.
const AT_ONCE: usize = 8;

/// What renders, and how much of it at a time.
#[derive(Clone)]
pub struct Images {
    engine: Arc<dyn ImageEngine>,
    places: Arc<tokio::sync::Semaphore>,
}

/// A picture as it was wished.
pub struct Picture {
    /// The object it shows.
    pub object: Object,
    /// Its media type.
    pub content_type: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// The bytes.
    pub bytes: ByteStream,
}

impl Images {
    /// Takes an engine.
    pub fn new(engine: Arc<dyn ImageEngine>) -> Self {
        Self { engine, places: Arc::new(tokio::sync::Semaphore::new(AT_ONCE)) }
    }
}

/// Renders an object's picture for a reader.
///
/// # Errors
/// [`FilesError::Image`] where it is none, too large, or too many wait; and as [`read_object::find_object`].
pub async fn render(
    files: &Files,
    (bucket, name): (&BucketName, &ObjectName),
    reader: Reader,
    wish: Transformation,
) -> Result<Picture, FilesError> {
    let (_, object) = read_object::find_object(files, bucket, name, reader).await?;
    let (owner, source, key, now) = (object.owner, object.version.id, wish.key(), files.now());
    let wished = key.clone();
    let kept = files
        .db()
        .read("files.rendition.find", move |tx| renditions::find(tx, owner, (source, &wished), now))
        .await?;
    if let Some(kept) = kept
        && let Some(picture) = open(files, &object, kept).await?
    {
        return Ok(picture);
    }
    let rendered = anew(files, &object, wish).await?;
    if let Err(error) = keep(files, (bucket, &object), key, &rendered).await {
        // The picture is there all the same; the next request renders it again.
        tracing::warn!(%error, "a rendered picture could not be kept");
    }
    let size_bytes = rendered.bytes.len() as u64;
    let bytes: ByteStream = Box::pin(stream::iter([Ok(rendered.bytes)]));
    Ok(Picture { object, content_type: rendered.content_type.to_owned(), size_bytes, bytes })
}

/// Opens a picture that is kept; `None` where the sweep was quicker.
async fn open(files: &Files, object: &Object, kept: Rendition) -> Result<Option<Picture>, FilesError> {
    match files.stores().of(kept.store)?.read(&kept.key, 0..kept.size_bytes).await {
        Ok(bytes) => Ok(Some(Picture {
            object: object.clone(),
            content_type: kept.content_type,
            size_bytes: kept.size_bytes,
            bytes,
        })),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn anew(files: &Files, object: &Object, wish: Transformation) -> Result<Rendered, FilesError> {
    let images = files.images().ok_or(FilesError::NoImages)?;
    let max_bytes = files.config().image_max_bytes;
    if object.version.size_bytes > max_bytes {
        return Err(FilesError::TooLarge { max_bytes });
    }
    let _place = images.places.try_acquire().map_err(|_| ImageError::Busy)?;
    let source = collect(read_object::open(files, &object.version, None).await?).await?;
    Ok(images.engine.render(source, wish).await?)
}

async fn collect(bytes: ByteStream) -> Result<Bytes, FilesError> {
    let whole = bytes.try_fold(BytesMut::new(), |mut whole, piece| async move {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    Ok(whole.await?.freeze())
}

/// Keeps a picture under an intent that lasts as long.
async fn keep(
    files: &Files,
    (bucket, object): (&BucketName, &Object),
    wish: String,
    rendered: &Rendered,
) -> Result<(), FilesError> {
    let (now, owner, source) = (files.now(), object.owner, object.version.id);
    let version = VersionId::new(now, files.app().rng());
    let writing = Writing::new(files, StoreKey::new(owner, bucket, version), version);
    let (begin, size_bytes, max_bytes) =
        (writing.clone(), rendered.bytes.len() as u64, files.config().image_kept_bytes);
    let is_wanted = files.db().write("files.rendition.begin", move |tx| {
        if !has_room(tx, (owner, source), size_bytes, max_bytes)? {
            return Ok(false);
        }
        begin.begin(tx, owner, now)?;
        Ok::<_, FilesError>(true)
    });
    if !is_wanted.await? {
        return Ok(());
    }
    let label = Label {
        content_type: rendered.content_type.to_owned(),
        content_encoding: None,
        bucket: bucket.to_string(),
        name: format!("{} {wish}", object.name),
    };
    let bytes: ByteStream = Box::pin(stream::iter([Ok(rendered.bytes.clone())]).boxed());
    let store = files.stores().active();
    let written = writing.alive(files, store.write(&writing.key, &label, bytes, &writing)).await;
    let settled = match written {
        Ok(size_bytes) => {
            let (store, key) = (writing.store, writing.key.clone());
            let content_type = rendered.content_type.to_owned();
            let rendition = Rendition { version, store, key, size_bytes, content_type };
            let settle = files.db().write("files.rendition.settle", move |tx| {
                // A version that has gone meanwhile takes its pictures with it.
                let is_new = renditions::is_source(tx, owner, source)?
                    && has_room(tx, (owner, source), size_bytes, max_bytes)?
                    && renditions::insert(tx, owner, (source, &wish), &rendition)?;
                Ok::<_, FilesError>(is_new && intents_global::renew(tx, version, now + KEPT)?)
            });
            settle.await
        }
        Err(error) => Err(error),
    };
    if !matches!(settled, Ok(true)) {
        writing.give_up(files).await;
    }
    settled.map(drop)
}

/// Tells whether one more picture may be kept. Strangers ask for pictures too, so they count in nobody's quota; what bounds
/// them is a limit of their own.
fn has_room(
    tx: &mut Tx<'_>,
    (owner, source): (Owner, VersionId),
    size_bytes: u64,
    max_bytes: u64,
) -> Result<bool, DbError> {
    Ok(renditions::count(tx, owner, source)? < MOST_KEPT
        && renditions::sum_bytes(tx, owner)?.saturating_add(size_bytes) <= max_bytes)
}

/// Forgets pictures whose time is over.
///
/// # Errors
/// What the database says.
pub async fn forget_gone(files: &Files) -> Result<u64, FilesError> {
    Ok(files.db().write("files.renditions.forget", renditions::delete_gone).await?)
}
