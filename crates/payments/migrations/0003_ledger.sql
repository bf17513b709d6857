-- What a provider has announced: each event once, by its id, written with the answer that it was taken.
create table quoin.payments_events (
    provider {text} not null,
    id {text} not null,
    kind {text} not null,
    state {text} not null constraint payments_events_state check (state in ('taken', 'ignored', 'refused')),
    reason {text},
    objects {json} not null,
    announced_at {time} not null,
    received_at {time} not null,
    primary key (provider, id)
);

create index payments_events_received on quoin.payments_events (received_at);

-- What was heard of each object, numbered as it came.
create table quoin.payments_news (
    provider {text} not null,
    object_kind {text} not null,
    object_id {text} not null,
    number {int} not null,
    cause {text} not null,
    received_at {time} not null,
    primary key (provider, object_kind, object_id, number)
);

create index payments_news_received on quoin.payments_news (received_at);

-- How far each object of the provider is known. `news` counts what was heard of it, `known` how much of that the last
-- completed fetch covers; `fence` grows with each fetch, so that one that lost its lease writes nothing.
create table quoin.payments_objects (
    provider {text} not null,
    kind {text} not null,
    id {text} not null,
    news {int} not null,
    known {int} not null,
    scheduled {bool} not null,
    fence {int} not null,
    lease_until {time},
    fetched_at {time},
    problem {text},
    primary key (provider, kind, id)
);

create index payments_objects_behind on quoin.payments_objects (provider, kind, id) where known < news;

-- What each fetch changed, and up to which number of its news it covers.
create table quoin.payments_fetches (
    provider {text} not null,
    object_kind {text} not null,
    object_id {text} not null,
    id {id} not null,
    fence {int} not null,
    covers {int} not null,
    started_at {time} not null,
    finished_at {time} not null,
    outcome {text} not null,
    changes {json} not null,
    primary key (provider, object_kind, object_id, id)
);

create index payments_fetches_finished on quoin.payments_fetches (finished_at);

-- What a provider is asked to do. Written before the call, so that a time-out or a crash repeats it under the same key.
create table quoin.payments_intents (
    id {id} not null primary key,
    provider {text} not null,
    target {text} not null,
    command {json} not null,
    command_hash {bytes} not null,
    idempotency_key {text} not null,
    keyed_at {time} not null,
    state {text} not null constraint payments_intents_state check (state in ('pending', 'done', 'refused')),
    outcome {json},
    problem {json},
    fence {int} not null,
    lease_until {time},
    attempts {int} not null,
    created_at {time} not null,
    settled_at {time}
);

create unique index payments_intents_target on quoin.payments_intents (target) where state = 'pending';
create index payments_intents_settled on quoin.payments_intents (settled_at);
