-- The plan, price and seats that were paid last, where the present ones are not paid yet: grace gives those.
alter table quoin.payments_subscriptions add column paid_last {json};
