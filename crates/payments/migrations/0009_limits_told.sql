-- When other rooms were told that a limit is reached; once until it has moved or begun anew.
alter table quoin.payments_entitlements add column told_at {time};
