-- One row for each use of an Idempotency-Key: claimed first, then answered.
-- `caller` and `key` are hashes; the answer is sealed with the master key, since it may carry secrets.
create table quoin.web_idempotency (
    caller {bytes} not null,
    key {bytes} not null,
    request {bytes} not null,
    claimed_at {time} not null,
    expires_at {time} not null,
    answer {bytes},
    primary key (caller, key)
);
create index web_idempotency_expires_at on quoin.web_idempotency (expires_at);
