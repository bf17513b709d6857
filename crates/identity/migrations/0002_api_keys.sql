-- API keys: only a hash of the key is kept. An empty org_id means the whole platform.
create table quoin.identity_api_keys (
    id {id} not null primary key,
    org_id {id},
    kind {text} not null check (kind in ('publishable', 'secret')),
    name {text} not null,
    key_hash {bytes} not null,
    key_start {text} not null,
    scopes {json} not null,
    is_preset {bool} not null,
    created_by {text},
    created_at {time} not null,
    expires_at {time},
    last_used_at {time},
    revoked_at {time}
);

create unique index identity_api_keys_hash on quoin.identity_api_keys (key_hash);
create index identity_api_keys_org on quoin.identity_api_keys (org_id, id);
