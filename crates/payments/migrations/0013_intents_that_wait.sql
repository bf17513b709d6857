-- When what a provider did not do yet is tried next, and how many of its answers made no sense.
alter table quoin.payments_intents add column next_try_at {time};
alter table quoin.payments_intents add column failures {int};
-- Set where it was given up: whether it may have been done all the same.
alter table quoin.payments_intents add column unknown {bool};
