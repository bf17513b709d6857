-- What each subject may do and how much of it is used. Check and count are one statement on one row.
create table quoin.payments_entitlements (
    subject_id {id} not null,
    name {text} not null,
    subject_kind {text} not null,
    plan_id {text},
    value {json},
    allowed {int},
    mode {text} not null constraint payments_entitlements_mode check (mode in ('flag', 'open', 'soft', 'grace', 'hard')),
    per {text},
    used {int} not null,
    resets_at {time},
    over_since {time},
    updated_at {time} not null,
    primary key (subject_id, name)
);

create index payments_entitlements_plan on quoin.payments_entitlements (plan_id);

-- Which plan is in force for a subject, derived from its subscriptions.
create table quoin.payments_standings (
    subject_id {id} not null primary key,
    subject_kind {text} not null,
    plan_id {text},
    plan_version {int},
    premium {bool} not null,
    premium_until {time},
    auto_renew {bool} not null,
    updated_at {time} not null
);

create index payments_standings_plan on quoin.payments_standings (plan_id);

-- Reports of use, each once by its key, and their sums per period.
create table quoin.payments_usage_reports (
    subject_id {id} not null,
    report_key {text} not null,
    meter {text} not null,
    amount {int} not null,
    at {time} not null,
    primary key (subject_id, report_key)
);

create index payments_usage_reports_at on quoin.payments_usage_reports (at);

create table quoin.payments_usage (
    subject_id {id} not null,
    meter {text} not null,
    period_start {time} not null,
    subject_kind {text} not null,
    total {int} not null,
    reported {int} not null,
    sending {int} not null,
    batch {int} not null,
    updated_at {time} not null,
    primary key (subject_id, meter, period_start)
);

create index payments_usage_unreported on quoin.payments_usage (subject_id, meter, period_start)
    where reported < total;
