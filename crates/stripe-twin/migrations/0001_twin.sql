-- Every Stripe object is one JSON document in Stripe's own shape; the columns are what is looked up, listed by, or due.
create table quoin.stripe_twin_objects (
    id {text} not null primary key,
    seq {int} not null,
    kind {text} not null,
    customer {text},
    parent {text},
    clock {text},
    due_at {int},
    body {json} not null
);

create unique index stripe_twin_objects_seq on quoin.stripe_twin_objects (seq);
create index stripe_twin_objects_kind on quoin.stripe_twin_objects (kind, seq);
create index stripe_twin_objects_customer on quoin.stripe_twin_objects (customer, kind, seq);
create index stripe_twin_objects_parent on quoin.stripe_twin_objects (parent, kind, seq);
create index stripe_twin_objects_clock on quoin.stripe_twin_objects (clock, due_at);
create index stripe_twin_objects_due on quoin.stripe_twin_objects (due_at);

-- Other names under which an object is found: item ids, codes, lookup keys.
create table quoin.stripe_twin_aliases (
    alias {text} not null primary key,
    object_id {text} not null
);

create index stripe_twin_aliases_object on quoin.stripe_twin_aliases (object_id);

-- What was answered under an idempotency key.
create table quoin.stripe_twin_answers (
    idempotency_key {text} not null primary key,
    fingerprint {text} not null,
    status {int} not null,
    body {text} not null,
    created_at {int} not null
);

create index stripe_twin_answers_created on quoin.stripe_twin_answers (created_at);

-- What is to be delivered to an endpoint, and how it went so far.
create table quoin.stripe_twin_deliveries (
    id {text} not null primary key,
    seq {int} not null,
    event_id {text} not null,
    endpoint_id {text} not null,
    attempts {int} not null,
    due_at_ms {int},
    fault {text},
    last_status {int},
    last_answer {text},
    last_at_ms {int}
);

create unique index stripe_twin_deliveries_seq on quoin.stripe_twin_deliveries (seq);
create index stripe_twin_deliveries_due on quoin.stripe_twin_deliveries (due_at_ms, seq);
create index stripe_twin_deliveries_event on quoin.stripe_twin_deliveries (event_id);

-- One document per name: the chaos knob, the rules of dunning.
create table quoin.stripe_twin_settings (
    name {text} not null primary key,
    body {json} not null
);
