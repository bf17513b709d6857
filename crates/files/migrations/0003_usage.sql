-- What each organisation and each person keeps here, changed in the transactions that change it. Limits that are null
-- are those of the configuration.
create table quoin.files_usage (
    subject_id {id} not null primary key,
    subject_kind {text} not null
        constraint files_usage_subject_kind check (subject_kind in ('organization', 'person', 'platform')),
    bytes {int} not null,
    objects {int} not null,
    max_bytes {int},
    max_objects {int},
    updated_at {time} not null
);
