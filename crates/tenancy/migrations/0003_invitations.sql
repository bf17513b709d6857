-- Who was asked to join. Only the hash of the mailed token is kept; a row ends when it is accepted, revoked or replaced,
-- and is purged a day after that, or a month after it has expired.
create table quoin.tenancy_invitations (
    org_id {id} not null references quoin.tenancy_organizations (id),
    id {id} not null,
    email {text} not null,
    role {text} not null,
    token_hash {bytes} not null,
    invited_by {id} not null,
    created_at {time} not null,
    expires_at {time} not null,
    ended_at {time},
    ending {text},
    primary key (org_id, id)
);

create unique index tenancy_invitations_token on quoin.tenancy_invitations (token_hash);
create unique index tenancy_invitations_open on quoin.tenancy_invitations (org_id, email) where ended_at is null;
create index tenancy_invitations_email on quoin.tenancy_invitations (email);
create index tenancy_invitations_expires on quoin.tenancy_invitations (expires_at);
