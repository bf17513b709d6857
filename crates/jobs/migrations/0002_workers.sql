-- The workers that share this database. Each adds one to its beat about every second; where a beat stands still, its
-- worker is gone, and its row goes before its jobs do.
create table quoin.jobs_workers (
    id {id} not null primary key,
    beat {int} not null
);

-- Who holds the lease of a running job; null where a release before this one took it.
alter table quoin.jobs_queue add column worker_id {id};
