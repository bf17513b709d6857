-- Sessions that an organisation's own provider has opened act for it alone, and so do the codes on the way to one.
alter table quoin.identity_sessions add column sso_org_id {id};
alter table quoin.identity_codes add column sso_org_id {id};
alter table quoin.identity_oauth_flows add column sso_connection_id {id};

create index identity_sessions_sso on quoin.identity_sessions (sso_org_id) where sso_org_id is not null;
