-- Pauses that end by themselves.
create index payments_subscriptions_resuming on quoin.payments_subscriptions (resumes_at)
    where resumes_at is not null;
