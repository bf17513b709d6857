-- Who is billed, as the provider knows them, and who was last to look after it: reminders go there. The row is there
-- before the provider is asked to make the customer.
create table quoin.payments_customers (
    subject_id {id} not null,
    subject_kind {text} not null constraint payments_customers_kind check (subject_kind in ('org', 'user')),
    provider {text} not null,
    remote_id {text},
    contact_id {id},
    contact_email {text},
    contact_language {text},
    created_at {time} not null,
    primary key (subject_id, provider)
);

create index payments_customers_contact on quoin.payments_customers (contact_id);
create unique index payments_customers_remote on quoin.payments_customers (provider, remote_id)
    where remote_id is not null;

-- A checkout that was begun. A subject has one open at a time, so that nobody pays twice in two tabs.
create table quoin.payments_checkouts (
    subject_id {id} not null,
    id {id} not null,
    subject_kind {text} not null,
    plan_id {text} not null,
    plan_version {int} not null,
    price_id {id} not null,
    quantity {int} not null,
    wish_hash {bytes} not null,
    state {text} not null
        constraint payments_checkouts_state check (state in ('open', 'complete', 'expired', 'replaced', 'failed')),
    remote_id {text},
    url {text},
    expires_at {time} not null,
    problem {text},
    created_at {time} not null,
    closed_at {time},
    primary key (subject_id, id)
);

create unique index payments_checkouts_open on quoin.payments_checkouts (subject_id) where state = 'open';
create unique index payments_checkouts_remote on quoin.payments_checkouts (remote_id) where remote_id is not null;

-- What the provider says of each subscription, and what that means here (`access`).
create table quoin.payments_subscriptions (
    subject_id {id} not null,
    id {id} not null,
    subject_kind {text} not null,
    provider {text} not null,
    remote_id {text} not null,
    remote_item {text},
    plan_id {text},
    plan_version {int},
    price_id {id},
    status {text} not null,
    quantity {int} not null,
    amount {int} not null,
    currency {text} not null,
    current_period_start {time},
    current_period_end {time},
    trial_end {time},
    cancel_at {time},
    canceled_at {time},
    ended_at {time},
    paused {bool} not null,
    discount {text},
    disputed {bool} not null,
    past_due_since {time},
    access {text} not null
        constraint payments_subscriptions_access check (access in ('full', 'grace', 'restricted', 'none')),
    mismatch {text},
    reminders {int} not null,
    started_at {time} not null,
    created_at {time} not null,
    updated_at {time} not null,
    primary key (subject_id, id)
);

create unique index payments_subscriptions_id on quoin.payments_subscriptions (id);
create unique index payments_subscriptions_remote on quoin.payments_subscriptions (provider, remote_id);
create index payments_subscriptions_past_due on quoin.payments_subscriptions (past_due_since)
    where past_due_since is not null;

create table quoin.payments_invoices (
    subject_id {id} not null,
    id {id} not null,
    subject_kind {text} not null,
    provider {text} not null,
    remote_id {text} not null,
    subscription {text},
    number {text},
    status {text} not null,
    currency {text} not null,
    subtotal {int} not null,
    total {int} not null,
    amount_paid {int} not null,
    amount_refunded {int} not null,
    amount_remaining {int} not null,
    lines {json} not null,
    hosted_url {text},
    pdf_url {text},
    issued_at {time} not null,
    due_at {time},
    paid_at {time},
    next_attempt_at {time},
    mismatch {text},
    updated_at {time} not null,
    primary key (subject_id, id)
);

create unique index payments_invoices_remote on quoin.payments_invoices (provider, remote_id);

create table quoin.payments_refunds (
    subject_id {id} not null,
    id {id} not null,
    provider {text} not null,
    remote_id {text} not null,
    invoice_id {id} not null,
    amount {int} not null,
    currency {text} not null,
    reason {text},
    status {text} not null,
    created_at {time} not null,
    updated_at {time} not null,
    primary key (subject_id, id)
);

create unique index payments_refunds_remote on quoin.payments_refunds (provider, remote_id);
create index payments_refunds_invoice on quoin.payments_refunds (subject_id, invoice_id);
