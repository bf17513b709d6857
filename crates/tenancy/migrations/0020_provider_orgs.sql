-- Which organisation here is which at the provider that keeps people. Ids decide; a name never does.
create table quoin.tenancy_provider_orgs (
    org_id {id} not null primary key references quoin.tenancy_organizations (id),
    issuer {text} not null,
    external_id {text} not null,
    created_at {time} not null
);

create unique index tenancy_provider_orgs_external on quoin.tenancy_provider_orgs (issuer, external_id);
