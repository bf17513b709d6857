-- Resumable uploads that are not complete, and what of them has come. A piece's bytes lie in the store under the key of an
-- intent that lasts as long as the upload: whatever is left when that time is over, the sweep removes.
create table quoin.files_resumable (
    owner_id {id} not null,
    id {id} not null,
    owner_kind {text} not null
        constraint files_resumable_owner_kind check (owner_kind in ('organization', 'person', 'platform')),
    person {id},
    bucket {text} not null,
    name {text} not null,
    replaces {bool} not null,
    content_type {text} not null,
    cache_control {text} not null,
    user_metadata {json} not null,
    length_bytes {int} not null,
    offset_bytes {int} not null,
    created_at {time} not null,
    expires_at {time} not null,
    completed {bool} not null,
    primary key (owner_id, id)
);

create index files_resumable_expires on quoin.files_resumable (expires_at);

create table quoin.files_pieces (
    owner_id {id} not null,
    upload_id {id} not null,
    start_bytes {int} not null,
    version {id} not null,
    store {text} not null,
    store_key {text} not null,
    size_bytes {int} not null,
    sha256 {bytes} not null,
    primary key (owner_id, upload_id, start_bytes),
    foreign key (owner_id, upload_id) references quoin.files_resumable (owner_id, id) on delete cascade
);
