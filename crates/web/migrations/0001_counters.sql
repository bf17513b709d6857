-- Counts per account, within a window of time. The subject is a hash.
create table quoin.web_counters (
    name {text} not null,
    subject {bytes} not null,
    started_at {time} not null,
    ends_at {time} not null,
    count {int} not null,
    primary key (name, subject)
);
create index web_counters_ends_at on quoin.web_counters (ends_at);
