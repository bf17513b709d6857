-- Entries may go when they are old enough: each purge says up to which moment, and stays itself.
create table quoin.audit_purges (
    entries_before {time} not null primary key,
    at {time} not null
);

create trigger audit_purges_no_update before update or delete on quoin.audit_purges
    for each row execute function quoin.audit_entries_refuse();

create trigger audit_purges_no_truncate before truncate on quoin.audit_purges
    for each statement execute function quoin.audit_entries_refuse();

create function quoin.audit_entries_refuse_delete() returns trigger language plpgsql as $$
begin
    if old.at < (select max(entries_before) from quoin.audit_purges) then
        return old;
    end if;
    raise exception 'the audit trail is append-only';
end
$$;

drop trigger audit_entries_no_update on quoin.audit_entries;

create trigger audit_entries_no_update before update on quoin.audit_entries
    for each row execute function quoin.audit_entries_refuse();

create trigger audit_entries_no_delete before delete on quoin.audit_entries
    for each row execute function quoin.audit_entries_refuse_delete();
