-- Disputes, each by itself: a subscription is disputed while one of them stands, whichever was heard of last.
create table quoin.payments_disputes (
    subject_id {id} not null,
    provider {text} not null,
    remote_id {text} not null,
    subscription {text} not null,
    stands {bool} not null,
    updated_at {time} not null,
    primary key (subject_id, provider, remote_id)
);

create unique index payments_disputes_remote on quoin.payments_disputes (provider, remote_id);
create index payments_disputes_subscription on quoin.payments_disputes (subject_id, subscription);
