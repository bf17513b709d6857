-- Whose people somebody is one of: the organisation's of this id, or with the nil id the whole instance's. Not null, because
-- unique indexes let nulls repeat on both engines. An address, and a subject at a provider, names one person in a realm.
alter table quoin.identity_users add column realm_id {id} not null default '00000000-0000-0000-0000-000000000000';
drop index identity_users_email;
create unique index identity_users_email on quoin.identity_users (realm_id, email);

alter table quoin.identity_identities add column realm_id {id} not null default '00000000-0000-0000-0000-000000000000';
drop index identity_identities_subject;
create unique index identity_identities_subject on quoin.identity_identities (realm_id, issuer, subject);

-- The organisation whose people a journey is about, where it is about one's.
alter table quoin.identity_oauth_flows add column realm_id {id};

-- By what an address was proved; null for what was proved before this was noted.
alter table quoin.identity_users add column email_proof {text};
