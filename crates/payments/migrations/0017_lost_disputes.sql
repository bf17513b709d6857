-- Which invoice a dispute is of, and whether it is lost: what was lost counts until a later period is paid.
alter table quoin.payments_disputes add column invoice {text};
alter table quoin.payments_disputes add column lost {bool};
