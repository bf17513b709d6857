-- Objects as people name them. Each change of the bytes is a new version with a store key of its own, so that a reader
-- never sees parts of two. `unique_in` is the owner, or nil in public buckets, whose names are unique for everybody.
-- `name_key` is the name in bytes, which both engines order alike.
create table quoin.files_objects (
    owner_id {id} not null,
    bucket_id {id} not null references quoin.files_buckets (id),
    id {id} not null,
    owner_kind {text} not null
        constraint files_objects_owner_kind check (owner_kind in ('organization', 'person', 'platform')),
    unique_in {id} not null,
    name {text} not null,
    name_key {bytes} not null,
    folder {text} not null,
    leaf_folded {text} not null,
    version {id} not null,
    store {text} not null,
    store_key {text} not null,
    size_bytes {int} not null,
    sha256 {bytes},
    content_type {text} not null,
    content_encoding {text},
    cache_control {text} not null,
    user_metadata {json} not null,
    created_by {id},
    created_at {time} not null,
    updated_at {time} not null,
    primary key (owner_id, bucket_id, id)
);

create unique index files_objects_name on quoin.files_objects (bucket_id, unique_in, name_key);
create unique index files_objects_version on quoin.files_objects (version);
create index files_objects_listing on quoin.files_objects (bucket_id, owner_id, name_key);
create index files_objects_folder on quoin.files_objects (bucket_id, owner_id, folder);
create index files_objects_person on quoin.files_objects (created_by) where created_by is not null;

-- What is in a store without being an object: a version that is being written, or one that is to be removed. The row is
-- there before the first byte and goes after the last one.
create table quoin.files_intents (
    id {id} not null primary key,
    owner_id {id} not null,
    purpose {text} not null constraint files_intents_purpose check (purpose in ('write', 'remove')),
    store {text} not null,
    store_key {text} not null,
    multipart_id {text},
    created_at {time} not null,
    lease_until {time} not null
);

create index files_intents_lease on quoin.files_intents (lease_until);
