-- A batch of use says the same time however often it is sent, because one idempotency key stands for one body.
alter table quoin.payments_usage add column sending_at {time};

-- When an object was last asked for, whatever came of it: what has waited longest is asked for first.
alter table quoin.payments_objects add column attempted_at {time};
