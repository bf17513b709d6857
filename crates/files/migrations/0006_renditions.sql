-- Pictures rendered in other sizes, kept for a while: their bytes lie under the key of an intent, which says until when. They
-- go with the version that they show.
create table quoin.files_renditions (
    owner_id {id} not null,
    source {id} not null,
    wish {text} not null,
    version {id} not null,
    store {text} not null,
    store_key {text} not null,
    size_bytes {int} not null,
    content_type {text} not null,
    primary key (owner_id, source, wish)
);
create unique index files_renditions_version on quoin.files_renditions (version);
