-- Organisations: the tenants. A personal one belongs to one person from their sign-up on.
create table quoin.tenancy_organizations (
    id {id} not null primary key,
    name {text} not null,
    personal_of {id},
    created_at {time} not null,
    updated_at {time} not null
);

create unique index tenancy_organizations_personal_of on quoin.tenancy_organizations (personal_of)
    where personal_of is not null;

-- Who belongs to which organisation. `version` is repeated by access tokens: it only grows, so that a token issued
-- before a change of role, or before a removal, can be told from one issued after.
create table quoin.tenancy_memberships (
    org_id {id} not null references quoin.tenancy_organizations (id),
    user_id {id} not null,
    role {text} not null check (role in ('member', 'admin', 'owner')),
    version {int} not null,
    created_at {time} not null,
    last_used_at {time},
    primary key (org_id, user_id)
);

create index tenancy_memberships_user on quoin.tenancy_memberships (user_id, org_id);

-- Somebody who joins again begins at the version below which their old tokens are refused.
create index tenancy_revocations_membership on quoin.tenancy_revocations (subject, org_id) where kind = 'membership';
