-- By whom a person is known elsewhere. Issuer and subject name somebody for ever; an address never does.
create table quoin.identity_identities (
    id {id} not null primary key,
    user_id {id} not null references quoin.identity_users (id) on delete cascade,
    provider {text} not null,
    issuer {text} not null,
    subject {text} not null,
    data {json} not null,
    last_sign_in_at {time} not null,
    created_at {time} not null,
    updated_at {time} not null
);

create unique index identity_identities_subject on quoin.identity_identities (issuer, subject);
create index identity_identities_user on quoin.identity_identities (user_id);

-- Journeys to a provider and back, each once: found by the hash of their state, bound to the browser by the hash of its
-- cookie. A row without a browser is a ticket with which a signed-in person may set out. An ID token that was accepted
-- leaves its hash here until it expires, so that it is accepted once.
create table quoin.identity_oauth_flows (
    state_hash {bytes} not null primary key,
    provider {text} not null,
    browser_hash {bytes},
    sealed {bytes},
    redirect_to {text},
    code_challenge {text},
    link_user_id {id} references quoin.identity_users (id) on delete cascade,
    created_at {time} not null,
    expires_at {time} not null
);

create index identity_oauth_flows_expires on quoin.identity_oauth_flows (expires_at);
create index identity_oauth_flows_user on quoin.identity_oauth_flows (link_user_id);
