-- The trail of everything that was done. No foreign keys: an entry outlives what it speaks of.
create table quoin.audit_entries (
    id {id} not null primary key,
    at {time} not null,
    actor_kind {text} not null check (actor_kind in ('anonymous', 'user', 'api_key', 'system')),
    actor_id {text},
    org_id {id},
    action {text} not null,
    target {text},
    detail {json} not null,
    ip {text},
    request_id {text}
);

-- Ids are in order of time, so that each filter reads its rows newest first from its own index.
create index audit_entries_org on quoin.audit_entries (org_id, id);
create index audit_entries_actor on quoin.audit_entries (actor_id, id);
create index audit_entries_action on quoin.audit_entries (action, id);
create index audit_entries_target on quoin.audit_entries (target, id);
