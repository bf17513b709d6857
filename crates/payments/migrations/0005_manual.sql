-- The books of the manual provider: plans that an administrator grants, and invoices paid by bank transfer.
create table quoin.payments_manual_subscriptions (
    id {text} not null primary key,
    customer {text} not null,
    document {json} not null,
    created_at {time} not null,
    updated_at {time} not null
);

create table quoin.payments_manual_invoices (
    id {text} not null primary key,
    customer {text} not null,
    subscription {text} not null,
    document {json} not null,
    created_at {time} not null,
    updated_at {time} not null
);

create index payments_manual_subscriptions_customer on quoin.payments_manual_subscriptions (customer);
