-- Mail domains that an organisation says are its own. The token stands in the domain's own DNS; it is no secret.
create table quoin.tenancy_domains (
    org_id {id} not null references quoin.tenancy_organizations (id),
    domain {text} not null,
    token {text} not null,
    created_at {time} not null,
    verified_at {time},
    primary key (org_id, domain)
);

-- However many claim a domain, one has proved it.
create unique index tenancy_domains_verified on quoin.tenancy_domains (domain) where verified_at is not null;

-- The OpenID provider that an organisation brings along. `first_used_at` shows that somebody has come through it.
create table quoin.tenancy_sso_connections (
    org_id {id} not null primary key references quoin.tenancy_organizations (id),
    id {id} not null,
    issuer {text} not null,
    client_id {text} not null,
    client_secret {bytes},
    created_at {time} not null,
    updated_at {time} not null,
    first_used_at {time}
);

create unique index tenancy_sso_connections_id on quoin.tenancy_sso_connections (id);

-- Who has left or was removed: their address alone does not bring them back, an invitation does.
create table quoin.tenancy_departures (
    org_id {id} not null references quoin.tenancy_organizations (id),
    user_id {id} not null,
    left_at {time} not null,
    primary key (org_id, user_id)
);

create index tenancy_departures_user on quoin.tenancy_departures (user_id);

alter table quoin.tenancy_organizations add column sso_required_from {time};
alter table quoin.tenancy_organizations add column sso_break_glass {id};
alter table quoin.tenancy_organizations add column auto_join {bool} not null default false;
