-- When whoever was billed was erased: the customer at the provider is erased too, and nothing brings them back.
alter table quoin.payments_customers add column erased_at {time};

-- What was taken off invoices after they were issued.
alter table quoin.payments_invoices add column amount_credited {int};

create table quoin.payments_credit_notes (
    subject_id {id} not null,
    id {id} not null,
    provider {text} not null,
    remote_id {text} not null,
    invoice_id {id} not null,
    number {text},
    amount {int} not null,
    currency {text} not null,
    reason {text},
    memo {text},
    refunded {int} not null,
    credited {int} not null,
    out_of_band {int} not null,
    status {text} not null,
    created_at {time} not null,
    updated_at {time} not null,
    primary key (subject_id, id)
);

create unique index payments_credit_notes_remote on quoin.payments_credit_notes (provider, remote_id);
create index payments_credit_notes_invoice on quoin.payments_credit_notes (subject_id, invoice_id);

-- The manual provider's: notes by their intent, and what customers have in their favour.
create table quoin.payments_manual_credit_notes (
    id {text} not null primary key,
    invoice {text} not null,
    document {json} not null,
    created_at {time} not null
);

create index payments_manual_credit_notes_invoice on quoin.payments_manual_credit_notes (invoice);

create table quoin.payments_manual_balances (
    customer {text} not null,
    currency {text} not null,
    amount {int} not null,
    updated_at {time} not null,
    primary key (customer, currency)
);

-- When reminders of the payment that is missing now were sent.
alter table quoin.payments_subscriptions add column reminded_at {json};
