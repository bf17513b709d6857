-- Work to be done later. A row leaves when it is done, or stays as 'dead' for people to look at.
create table quoin.jobs_queue (
    id {id} not null primary key,
    type {text} not null,
    state {text} not null check (state in ('waiting', 'running', 'done', 'dead')),
    payload {json} not null,
    run_at {time} not null,
    attempt {int} not null,
    max_attempts {int},
    lease_until {time},
    fence {int} not null,
    last_error {text},
    unique_key {text},
    org_id {id},
    created_at {time} not null,
    finished_at {time}
);

create index jobs_queue_due on quoin.jobs_queue (run_at) where state = 'waiting';
create index jobs_queue_leases on quoin.jobs_queue (lease_until) where state = 'running';
create index jobs_queue_finished on quoin.jobs_queue (finished_at) where finished_at is not null;
create unique index jobs_queue_unique_key on quoin.jobs_queue (type, unique_key)
    where unique_key is not null and state in ('waiting', 'running');

-- Facts that have happened and have not yet become one job per subscriber.
create table quoin.jobs_events (
    id {id} not null primary key,
    name {text} not null,
    org_id {id},
    payload {json} not null,
    at {time} not null
);

-- When each schedule was last due. Whoever moves the time forward enqueues the job.
create table quoin.jobs_schedules (
    name {text} not null primary key,
    last_due {time} not null
);
