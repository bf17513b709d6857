-- Roles that organisations make for themselves. Their members keep the rank of a member.
create table quoin.tenancy_roles (
    org_id {id} not null references quoin.tenancy_organizations (id),
    name {text} not null,
    description {text} not null,
    permissions {json} not null,
    created_at {time} not null,
    updated_at {time} not null,
    primary key (org_id, name)
);

alter table quoin.tenancy_memberships add column custom_role {text};
alter table quoin.tenancy_organizations add column default_role {text};
