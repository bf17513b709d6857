-- What announced uploads may still bring: room that nobody else of the same subject can take.
alter table quoin.files_usage add column reserved_bytes {int} not null default 0;
