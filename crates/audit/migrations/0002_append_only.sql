-- Entries are written once. Whoever must change one has to drop these triggers first, which is seen.
create trigger quoin_audit_entries_no_update before update on quoin.audit_entries
begin
    select raise(abort, 'the audit trail is append-only');
end;

create trigger quoin_audit_entries_no_delete before delete on quoin.audit_entries
begin
    select raise(abort, 'the audit trail is append-only');
end;
