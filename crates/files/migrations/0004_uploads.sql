-- Direct uploads: what was announced, until it is completed or given up. Each has an intent of the same id.
create table quoin.files_uploads (
    owner_id {id} not null,
    id {id} not null primary key references quoin.files_intents (id),
    owner_kind {text} not null
        constraint files_uploads_owner_kind check (owner_kind in ('organization', 'person', 'platform')),
    bucket_id {id} not null,
    name {text} not null,
    store {text} not null,
    store_key {text} not null,
    size_bytes {int} not null,
    sha256 {bytes},
    content_type {text} not null,
    cache_control {text} not null,
    user_metadata {json} not null,
    replaces {bool} not null,
    created_by {id},
    created_at {time} not null,
    expires_at {time} not null
);

create index files_uploads_owner on quoin.files_uploads (owner_id);
