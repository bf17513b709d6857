-- Single-use links and codes sent by mail: hashes only, bound to a purpose and an address.
-- A row ends when it is used, replaced by a newer one or revoked, and is purged a day after that or after its expiry.
create table quoin.identity_links (
    id {id} not null primary key,
    user_id {id} not null references quoin.identity_users (id) on delete cascade,
    purpose {text} not null,
    email {text} not null,
    token_hash {bytes} not null,
    code_mac {bytes} not null,
    code_failures {int} not null,
    code_challenge {text},
    created_at {time} not null,
    expires_at {time} not null,
    ended_at {time},
    ending {text}
);

create unique index identity_links_token on quoin.identity_links (token_hash);
create index identity_links_user on quoin.identity_links (user_id, purpose);
create index identity_links_email on quoin.identity_links (email);
create index identity_links_expires on quoin.identity_links (expires_at);

-- Authorization codes of the PKCE flow: what a clicked link hands to the browser that asked for it.
-- A used code stays until it is purged, so that its replay can end the session it opened.
create table quoin.identity_codes (
    code_hash {bytes} not null primary key,
    user_id {id} not null references quoin.identity_users (id) on delete cascade,
    method {text} not null,
    code_challenge {text} not null,
    created_at {time} not null,
    expires_at {time} not null,
    session_id {id}
);

create index identity_codes_user on quoin.identity_codes (user_id);
create index identity_codes_expires on quoin.identity_codes (expires_at);
