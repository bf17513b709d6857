-- What access tokens and keys may no longer say, although they have not expired yet.
create table quoin.tenancy_revocations (
    id {id} not null primary key,
    kind {text} not null check (kind in ('session', 'membership', 'organization', 'api_key')),
    subject {id} not null,
    org_id {id},
    below_version {int},
    created_at {time} not null,
    expires_at {time} not null
);

create index tenancy_revocations_created on quoin.tenancy_revocations (created_at);
create index tenancy_revocations_expires on quoin.tenancy_revocations (expires_at);
