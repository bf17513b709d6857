-- Entries are written once. Whoever must change one has to drop these triggers first, which is seen.
create function quoin.audit_entries_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only';
end
$$;

create trigger audit_entries_no_update before update or delete on quoin.audit_entries
    for each row execute function quoin.audit_entries_refuse();

create trigger audit_entries_no_truncate before truncate on quoin.audit_entries
    for each statement execute function quoin.audit_entries_refuse();
