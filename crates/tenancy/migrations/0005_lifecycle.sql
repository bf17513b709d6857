-- What an organisation says in its members' tokens, what it demands of their sessions, and how it ends.
alter table quoin.tenancy_organizations add column metadata {json};
alter table quoin.tenancy_organizations add column mfa_required {bool} not null default false;
alter table quoin.tenancy_organizations add column session_lifetime_s {int};
alter table quoin.tenancy_organizations add column suspended_at {time};
alter table quoin.tenancy_organizations add column delete_after {time};

create index tenancy_organizations_delete_after on quoin.tenancy_organizations (delete_after)
    where delete_after is not null;
