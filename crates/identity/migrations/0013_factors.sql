-- Second factors and passkeys. The secret of an authenticator app is sealed; a credential is public.
-- `last_step` is the newest time step whose code was accepted, so that no code is accepted twice.
create table quoin.identity_factors (
    id {id} not null primary key,
    user_id {id} not null references quoin.identity_users (id) on delete cascade,
    kind {text} not null check (kind in ('totp', 'webauthn', 'passkey')),
    friendly_name {text},
    sealed_secret {bytes},
    credential_id {bytes},
    credential {json},
    last_step {int} not null,
    verified_at {time},
    last_used_at {time},
    created_at {time} not null,
    updated_at {time} not null
);

create index identity_factors_user on quoin.identity_factors (user_id);
create unique index identity_factors_credential on quoin.identity_factors (credential_id);

-- What the holder of a factor is asked to answer, once. Discovery of a passkey begins without a person.
create table quoin.identity_challenges (
    id {id} not null primary key,
    user_id {id} references quoin.identity_users (id) on delete cascade,
    factor_id {id} references quoin.identity_factors (id) on delete cascade,
    purpose {text} not null,
    sealed_state {bytes},
    created_at {time} not null,
    expires_at {time} not null
);

create index identity_challenges_expires on quoin.identity_challenges (expires_at);
create index identity_challenges_user on quoin.identity_challenges (user_id);
create index identity_challenges_factor on quoin.identity_challenges (factor_id);

-- Codes for the day on which a factor is lost: MACs only, each used once.
create table quoin.identity_recovery_codes (
    code_mac {bytes} not null primary key,
    user_id {id} not null references quoin.identity_users (id) on delete cascade,
    created_at {time} not null,
    used_at {time}
);

create index identity_recovery_codes_user on quoin.identity_recovery_codes (user_id);

-- The second method of a session, and where it was opened.
alter table quoin.identity_sessions add column second_method {text};
alter table quoin.identity_sessions add column second_at {time};
alter table quoin.identity_sessions add column ip {text};
alter table quoin.identity_sessions add column user_agent {text};
