-- Entries may go when they are old enough: each purge says up to which moment, and stays itself.
create table quoin.audit_purges (
    entries_before {time} not null primary key,
    at {time} not null
);

create trigger quoin_audit_purges_no_update before update on quoin.audit_purges
begin
    select raise(abort, 'the audit trail is append-only');
end;

create trigger quoin_audit_purges_no_delete before delete on quoin.audit_purges
begin
    select raise(abort, 'the audit trail is append-only');
end;

drop trigger quoin_audit_entries_no_delete;

create trigger quoin_audit_entries_no_delete before delete on quoin.audit_entries
when old.at >= coalesce((select max(entries_before) from quoin.audit_purges), '')
begin
    select raise(abort, 'the audit trail is append-only');
end;
