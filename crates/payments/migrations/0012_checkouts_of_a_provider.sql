-- Who opened the session; null for those that began before this was written down.
alter table quoin.payments_checkouts add column provider {text};
