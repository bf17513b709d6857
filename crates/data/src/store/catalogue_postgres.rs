//! The users' tables on PostgreSQL, read from its own catalogue, so that changes made with its own tools are seen.

use quoin_db::statement::DynamicSql;
use quoin_db::{DbError, Row, Tx};

use quoin_policy::model::logical_type::LogicalType;
use quoin_policy::model::table::{
    Check, Column, Command, ForeignKey, Identity, Index, Key, Policy, Schema, Table,
};

/// Everything that the documents below are read from, in one number: it changes when any of it does.
const FINGERPRINT: &str = "
select coalesce((select sum(hashtextextended(a.attrelid::text || ':' || a.attnum || ':' || a.xmin::text, 1))
                 from pg_attribute a join pg_class c on c.oid = a.attrelid
                 where c.relnamespace = 'public'::regnamespace and a.attnum > 0), 0)::text
    || ':' || coalesce((select sum(hashtextextended(c.oid::text || c.relname || c.relrowsecurity, 2))
                 from pg_class c where c.relnamespace = 'public'::regnamespace), 0)::text
    || ':' || coalesce((select sum(hashtextextended(con.oid::text || con.xmin::text, 3))
                 from pg_constraint con where con.connamespace = 'public'::regnamespace), 0)::text
    || ':' || (select datcollate in ('C', 'POSIX') from pg_database where datname = current_database())::text";

const COLUMNS: &str = "
select c.relname::text, c.relkind in ('v', 'm'), c.relrowsecurity, obj_description(c.oid, 'pg_class'),
       a.attname::text, format_type(a.atttypid, a.atttypmod), not a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, col_description(c.oid, a.attnum)
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not exists (select from pg_depend x where x.objid = c.oid and x.classid = 'pg_class'::regclass and x.deptype = 'e')
order by c.relname, a.attnum";

const CONSTRAINTS: &str = "
select c.relname::text, con.conname::text, con.contype::text,
       (select string_agg(a.attname, ',' order by k.position) from unnest(con.conkey) with ordinality k(number, position)
        join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.number),
       f.relname::text,
       (select string_agg(a.attname, ',' order by k.position) from unnest(con.confkey) with ordinality k(number, position)
        join pg_attribute a on a.attrelid = con.confrelid and a.attnum = k.number),
       pg_get_expr(con.conbin, con.conrelid)
from pg_constraint con
join pg_class c on c.oid = con.conrelid
left join pg_class f on f.oid = con.confrelid
where con.connamespace = 'public'::regnamespace and con.contype in ('p', 'u', 'f', 'c')
order by c.relname, con.conname";

const INDEXES: &str = "
select t.relname::text, i.relname::text, x.indisunique, pg_get_expr(x.indpred, x.indrelid),
       (select string_agg(a.attname, ',' order by k.position) from unnest(x.indkey::int2[]) with ordinality k(number, position)
        join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number)
from pg_index x
join pg_class t on t.oid = x.indrelid
join pg_class i on i.oid = x.indexrelid
where t.relnamespace = 'public'::regnamespace
  and not exists (select from pg_constraint con where con.conindid = x.indexrelid and con.contype in ('p', 'u', 'x'))
order by 1, 2";

const POLICIES: &str = "
select tablename::text, policyname::text, permissive = 'PERMISSIVE', array_to_string(roles, ','), cmd::text, qual, with_check
from pg_policies where schemaname = 'public' order by tablename, policyname";

/// Returns a text that changes whenever the schema does.
pub(crate) fn fingerprint(tx: &mut Tx<'_>) -> Result<String, DbError> {
    tx.query_one(&DynamicSql(FINGERPRINT.to_owned()), &[], |row| row.get(0))
}

/// Tells whether the database orders texts by their bytes.
pub(crate) fn orders_by_bytes(fingerprint: &str) -> bool {
    fingerprint.ends_with(":true")
}

/// Reads every table of the schema `public`.
pub(crate) fn load(tx: &mut Tx<'_>) -> Result<Schema, DbError> {
    let mut schema = Schema::new();
    tx.for_each::<DbError>(&DynamicSql(COLUMNS.to_owned()), &[], |row| column(row, &mut schema))?;
    tx.for_each::<DbError>(&DynamicSql(CONSTRAINTS.to_owned()), &[], |row| constraint(row, &mut schema))?;
    tx.for_each::<DbError>(&DynamicSql(INDEXES.to_owned()), &[], |row| index(row, &mut schema))?;
    tx.for_each::<DbError>(&DynamicSql(POLICIES.to_owned()), &[], |row| policy(row, &mut schema))?;
    Ok(schema)
}

fn column(row: &Row<'_>, schema: &mut Schema) -> Result<(), DbError> {
    let table_name: String = row.get(0)?;
    let table = schema.entry(table_name).or_insert_with_key(|name| Table::named(name));
    table.read_only = row.get(1)?;
    table.row_security = row.get(2)?;
    table.comment = row.get(3)?;
    let default: Option<String> = row.get(7)?;
    let counted = default.as_deref().is_some_and(|default| default.starts_with("nextval("));
    let identity = match row.get::<String>(8)?.as_str() {
        "a" => Some(Identity::Always),
        "d" => Some(Identity::ByDefault),
        _ => counted.then_some(Identity::ByDefault),
    };
    table.columns.push(Column {
        name: row.get(4)?,
        kind: LogicalType::from_postgres(&row.get::<String>(5)?),
        nullable: row.get(6)?,
        default: default.filter(|_| identity.is_none()),
        identity,
        comment: row.get(9)?,
    });
    Ok(())
}

fn names(list: Option<String>) -> Vec<String> {
    list.map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

fn constraint(row: &Row<'_>, schema: &mut Schema) -> Result<(), DbError> {
    let table_name: String = row.get(0)?;
    let Some(table) = schema.get_mut(&table_name) else { return Ok(()) };
    let name: String = row.get(1)?;
    let columns = names(row.get(3)?);
    match row.get::<String>(2)?.as_str() {
        "p" => table.primary_key = Some(Key { name, columns }),
        "u" => table.uniques.push(Key { name, columns }),
        "f" => table.foreign_keys.push(ForeignKey {
            name,
            columns,
            table: row.get::<Option<String>>(4)?.unwrap_or_default(),
            referred: names(row.get(5)?),
            on_delete: None,
            on_update: None,
        }),
        _ => table.checks.push(Check { name, condition: row.get::<Option<String>>(6)?.unwrap_or_default() }),
    }
    Ok(())
}

fn index(row: &Row<'_>, schema: &mut Schema) -> Result<(), DbError> {
    let table_name: String = row.get(0)?;
    let Some(table) = schema.get_mut(&table_name) else { return Ok(()) };
    let unique = row.get(2)?;
    table.indexes.push(Index {
        name: row.get(1)?,
        columns: names(row.get(4)?),
        unique,
        condition: row.get(3)?,
    });
    Ok(())
}

fn policy(row: &Row<'_>, schema: &mut Schema) -> Result<(), DbError> {
    let table_name: String = row.get(0)?;
    let Some(table) = schema.get_mut(&table_name) else { return Ok(()) };
    let roles = names(row.get(3)?);
    table.policies.push(Policy {
        name: row.get(1)?,
        command: match row.get::<String>(4)?.as_str() {
            "SELECT" => Command::Select,
            "INSERT" => Command::Insert,
            "UPDATE" => Command::Update,
            "DELETE" => Command::Delete,
            _ => Command::All,
        },
        roles: roles.into_iter().filter(|role| role != "public").collect(),
        permissive: row.get(2)?,
        using: row.get(5)?,
        check: row.get(6)?,
    });
    Ok(())
}
