-- What was asked about one thing is found by it, whether it is pending or not.
create index payments_intents_of_target on quoin.payments_intents (target);

-- Customers that somebody deleted at the provider: what they were billed for stays theirs.
create table quoin.payments_former_customers (
    subject_id {id} not null,
    provider {text} not null,
    remote_id {text} not null,
    subject_kind {text} not null,
    deleted_at {time} not null,
    primary key (subject_id, provider, remote_id)
);

create unique index payments_former_customers_remote on quoin.payments_former_customers (provider, remote_id);
