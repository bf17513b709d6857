-- Whether what was paid for the present period went back.
alter table quoin.payments_subscriptions add column refunded {bool};

create index payments_invoices_subscription on quoin.payments_invoices (subject_id, provider, subscription);
