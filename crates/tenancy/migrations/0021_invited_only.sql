-- Whether only somebody who is invited can become one of an organisation's people.
alter table quoin.tenancy_organizations add column invited_only {bool} not null default false;
