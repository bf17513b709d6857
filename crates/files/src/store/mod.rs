//! The SQL of this room. Rows of objects are read and written in `objects` and `listing` alone.

pub(crate) mod buckets_global;
pub(crate) mod intents_global;
pub(crate) mod listing;
pub(crate) mod objects;
pub(crate) mod objects_global;
pub(crate) mod renditions;
pub(crate) mod resumable;
pub(crate) mod uploads;
pub(crate) mod usage;

/// The columns of an object, in the order in which [`objects::read`] takes them.
macro_rules! object_columns {
    () => {
        "id, bucket_id, owner_kind, owner_id, name, version, store, store_key, size_bytes, sha256, content_type, \
         content_encoding, cache_control, user_metadata, created_by, created_at, updated_at"
    };
}
pub(crate) use object_columns;
