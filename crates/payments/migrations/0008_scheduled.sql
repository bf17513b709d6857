-- What waits for the end of the period, and until when collecting is paused.
alter table quoin.payments_subscriptions add column resumes_at {time};
alter table quoin.payments_subscriptions add column scheduled_change {json};
alter table quoin.payments_subscriptions add column scheduled_at {time};

create index payments_subscriptions_scheduled on quoin.payments_subscriptions (scheduled_at)
    where scheduled_at is not null;
