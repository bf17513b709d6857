-- Buckets: instance-wide shelves with rules for what may be put on them. Callers know a bucket by its name.
create table quoin.files_buckets (
    id {id} not null primary key,
    name {text} not null,
    public {bool} not null,
    max_object_bytes {int},
    allowed_types {json},
    created_by {id},
    created_at {time} not null,
    updated_at {time} not null
);

create unique index files_buckets_name on quoin.files_buckets (name);
