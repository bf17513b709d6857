-- What is sold. `uuid` names a plan at the provider for ever; `version` grows with what the plan gives, so that those who
-- subscribed before keep what they bought.
create table quoin.payments_plans (
    id {text} not null primary key,
    uuid {id} not null,
    version {int} not null,
    name {text} not null,
    description {text},
    entitlements {json} not null,
    rules {json} not null,
    source {text} not null constraint payments_plans_source check (source in ('api', 'file', 'provider')),
    active {bool} not null,
    remote_id {text},
    published_at {time},
    created_at {time} not null,
    updated_at {time} not null
);

create unique index payments_plans_remote on quoin.payments_plans (remote_id) where remote_id is not null;

create table quoin.payments_plan_versions (
    plan_id {text} not null references quoin.payments_plans (id),
    version {int} not null,
    entitlements {json} not null,
    rules {json} not null,
    created_at {time} not null,
    primary key (plan_id, version)
);

-- A price never changes: another amount is another price, and the old one is archived.
create table quoin.payments_prices (
    id {id} not null primary key,
    plan_id {text} not null references quoin.payments_plans (id),
    billing_interval {text}
        constraint payments_prices_interval check (billing_interval in ('day', 'week', 'month', 'year')),
    interval_count {int} not null,
    amount {int} not null,
    currency {text} not null,
    trial_days {int} not null,
    per_seat {bool} not null,
    meter {text},
    active {bool} not null,
    remote_id {text},
    created_at {time} not null
);

create index payments_prices_plan on quoin.payments_prices (plan_id, created_at);
create unique index payments_prices_remote on quoin.payments_prices (remote_id) where remote_id is not null;
