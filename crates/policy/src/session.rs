//! The session of one request on PostgreSQL: its role and claims, which end with the transaction.

use quoin_db::{DbError, Engine, Tx};

use crate::model::requester::Requester;

/// Roles, helper functions and rights. Run at every start; changes nothing where all is there.
const PREPARE: &str = r"
do $quoin$
declare wanted text;
begin
    foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin noinherit', wanted);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
        if not pg_has_role(current_user, wanted, 'member') then
            execute format('grant %I to current_user', wanted);
        end if;
    end loop;
    -- Only a superuser may hand out this right; without it the platform's key works as the tables' owner.
    if not (select rolbypassrls from pg_roles where rolname = 'service_role')
       and (select rolsuper from pg_roles where rolname = current_user) then
        begin
            alter role service_role bypassrls;
        exception when others then
            null;
        end;
    end if;
end
$quoin$;
create schema if not exists auth;
create or replace function auth.jwt() returns jsonb language sql stable
    as $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
create or replace function auth.uid() returns uuid language sql stable
    as $$ select nullif(auth.jwt() ->> 'sub', '')::uuid $$;
create or replace function auth.org_id() returns uuid language sql stable
    as $$ select nullif(auth.jwt() ->> 'org_id', '')::uuid $$;
create or replace function auth.org_role() returns text language sql stable
    as $$ select auth.jwt() ->> 'org_role' $$;
create or replace function auth.role() returns text language sql stable
    as $$ select auth.jwt() ->> 'role' $$;
revoke create on schema public from public;
grant usage on schema auth, public to anon, authenticated, service_role;
grant execute on all functions in schema auth to anon, authenticated, service_role;
";

/// Rights of the request roles: tables under row level security for everybody, the others for the platform's key.
const GRANT: &str = r"
do $quoin$
declare relation record;
begin
    for relation in
        select c.oid::regclass as name, c.relrowsecurity as guarded from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
          and pg_has_role(current_user, c.relowner, 'member')
          and not exists (select from pg_depend x where x.objid = c.oid
                          and x.classid = 'pg_class'::regclass and x.deptype = 'e')
    loop
        execute format('grant select, insert, update, delete on %s to service_role', relation.name);
        if relation.guarded then
            execute format('grant select, insert, update, delete on %s to anon, authenticated', relation.name);
        else
            execute format('revoke all on %s from anon, authenticated', relation.name);
        end if;
    end loop;
end
$quoin$;
grant usage on all sequences in schema public to anon, authenticated, service_role;
";

/// Makes roles, functions and rights; on SQLite there are none.
pub fn prepare(tx: &mut Tx<'_>) -> Result<(), DbError> {
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => {
            // Two servers that start together would trip over each other's functions.
            tx.batch("select pg_advisory_xact_lock(8136218741)")?;
            tx.batch(PREPARE)?;
            tx.batch(GRANT)
        }
    }
}

/// Gives the request roles their rights after a migration.
pub fn grant(tx: &mut Tx<'_>) -> Result<(), DbError> {
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => tx.batch(GRANT),
    }
}

/// Puts the transaction into the requester's role, with their claims, travelling with the next statement.
///
/// `as_owner` leaves the transaction in Quoin's own role: for the platform's key where `service_role` may not pass over
/// policies, and for Quoin's views, whose own query says who sees what.
pub fn begin(tx: &mut Tx<'_>, requester: &Requester, as_owner: bool) -> Result<(), DbError> {
    if tx.engine() == Engine::Sqlite {
        return Ok(());
    }
    let claims = text_literal(&requester.claims);
    let claims = format!("select set_config('request.jwt.claims', {claims}, true)");
    if as_owner {
        return tx.batch_with_next(&claims);
    }
    tx.batch_with_next(&format!("set local role {}; {claims}", requester.role.as_str()))
}

/// Puts the transaction back into Quoin's own role, without claims.
pub fn end(tx: &mut Tx<'_>) -> Result<(), DbError> {
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => tx.batch("reset role; select set_config('request.jwt.claims', '', true)"),
    }
}

/// Tells whether `service_role` may not pass over policies.
pub fn owner_serves(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    if tx.engine() == Engine::Sqlite {
        return Ok(false);
    }
    let sql = "select not rolbypassrls from pg_roles where rolname = 'service_role'";
    tx.query_one(&quoin_db::statement::DynamicSql(sql.to_owned()), &[], |row| row.get(0))
}

/// Writes a text literal that no setting of the server can make mean something else.
fn text_literal(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('\'', "''").replace('\0', "");
    format!("E'{quoted}'")
}
