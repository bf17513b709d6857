-- Who holds a plan, or a version of it, is asked whenever limits are looked after.
create index payments_subscriptions_plan on quoin.payments_subscriptions (plan_id, plan_version);
