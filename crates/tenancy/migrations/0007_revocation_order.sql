-- Where an entry stands in the order in which commits become visible, so that readers go on where they stopped without
-- comparing clocks: on SQLite a number that grows with each entry, on PostgreSQL the id of its transaction.
alter table quoin.tenancy_revocations add column position {int} not null default 0;
drop index tenancy_revocations_created;
create index tenancy_revocations_position on quoin.tenancy_revocations (position);
