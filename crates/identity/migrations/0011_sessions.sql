-- Signed-in sessions, each one family of refresh tokens. Only hashes of the newest token and of its parent are kept:
-- a child is an HMAC of its parent under a key derived from the master key and `seed`.
-- Without foreign keys to other rooms; an ended session is a deleted row.
create table quoin.identity_sessions (
    id {id} not null primary key,
    user_id {id} not null references quoin.identity_users (id) on delete cascade,
    org_id {id},
    aal {text} not null,
    method {text} not null,
    seed {bytes} not null,
    token_hash {bytes} not null,
    parent_hash {bytes},
    parent_used_at {time},
    parent_client {bytes},
    authenticated_at {time} not null,
    refreshed_at {time} not null,
    created_at {time} not null
);

create index identity_sessions_user on quoin.identity_sessions (user_id);
create index identity_sessions_refreshed on quoin.identity_sessions (refreshed_at);
