//! Describes a schema in words that are the same on both engines, so that one snapshot holds for both.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::database::Db;
use crate::error::DbError;
use crate::params;
use crate::statement::{DynamicSql, Engine};
use crate::tx::Tx;

/// The lines of one table, each saying one thing.
type Lines = BTreeMap<String, Vec<String>>;

/// Lists every table with its columns, keys, indexes and foreign keys.
///
/// Types are SQLite's, the coarser ones: `uuid`, `timestamptz` and `jsonb` show as `text`. System tables are written
/// `quoin.name` on both engines. Of partial indexes and those on expressions it says that they are, not what they say.
///
/// # Errors
/// Where the database fails.
pub async fn describe_schema(db: &Db) -> Result<String, DbError> {
    let tables = match db.engine() {
        Engine::Sqlite => db.read("testing.schema", sqlite).await?,
        Engine::Postgres => db.read("testing.schema", postgres).await?,
    };
    let mut text = String::new();
    for (table, lines) in tables {
        writeln!(text, "{table}")
            .and_then(|()| lines.iter().try_for_each(|line| writeln!(text, "  {line}")))
            .ok();
    }
    Ok(text)
}

/// Names of tables may be given in any case; the catalogue's order is not the same on both engines, so lines are sorted.
fn finish(mut tables: Lines) -> Lines {
    for lines in tables.values_mut() {
        // Columns come first and keep their order, which both engines give.
        let columns = lines.iter().filter(|line| line.starts_with("column ")).count();
        lines[columns..].sort();
    }
    tables
}

fn add(tables: &mut Lines, table: String, line: String) {
    tables.entry(table).or_default().push(line);
}

fn null(not_null: bool) -> &'static str {
    if not_null { " not null" } else { "" }
}

const SQLITE_COLUMNS: &str = "
    select t.name, lower(c.type), c.\"notnull\" = 1 or c.pk > 0, c.name
    from sqlite_master t join pragma_table_info(t.name) c
    where t.type = 'table' and t.name not like 'sqlite_%' order by t.name, c.cid";

const SQLITE_INDEXES: &str = "
    select t.name, i.name, i.\"unique\" = 1, i.origin, i.partial = 1,
           (select group_concat(coalesce(x.name, 'expression'), ', ') from pragma_index_info(i.name) x)
    from sqlite_master t join pragma_index_list(t.name) i
    where t.type = 'table' and t.name not like 'sqlite_%'
    union all
    -- A single integer primary key is the row's own number and has no index.
    select t.name, '', 1, 'pk', 0, c.name
    from sqlite_master t join pragma_table_info(t.name) c
    where t.type = 'table' and c.pk = 1 and lower(c.type) = 'integer'
      and not exists (select 1 from pragma_index_list(t.name) i where i.origin = 'pk')";

const SQLITE_KEYS: &str = "
    select t.name, f.\"table\", f.on_delete, group_concat(f.\"from\", ', '), group_concat(coalesce(f.\"to\", 'id'), ', ')
    from sqlite_master t join pragma_foreign_key_list(t.name) f
    where t.type = 'table' group by t.name, f.id";

fn sqlite(tx: &mut Tx<'_>) -> Result<Lines, DbError> {
    let mut tables = Lines::new();
    for (table, ty, not_null, column) in tx.query(&DynamicSql(SQLITE_COLUMNS.into()), &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<bool>(2)?, row.get::<String>(3)?))
    })? {
        add(&mut tables, with_schema(&table), format!("column {column} {ty}{}", null(not_null)));
    }
    tx.for_each::<DbError>(&DynamicSql(SQLITE_INDEXES.into()), &[], |row| {
        let (table, columns): (String, String) = (row.get(0)?, row.get(5)?);
        let plain = table.strip_prefix("quoin_").unwrap_or(&table);
        let name = match row.get::<String>(3)?.as_str() {
            "pk" => format!("{plain}_pkey"),
            "u" => format!("{plain}_{}_key", columns.replace(", ", "_")),
            _ => row.get(1)?,
        };
        add(&mut tables, with_schema(&table), index(&name, row.get(2)?, row.get(4)?, &columns));
        Ok(())
    })?;
    tx.for_each::<DbError>(&DynamicSql(SQLITE_KEYS.into()), &[], |row| {
        let (table, target): (String, String) = (row.get(0)?, row.get(1)?);
        let (rule, from, to): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        add(
            &mut tables,
            with_schema(&table),
            foreign_key(&from, &with_schema(&target), &to, &rule.to_lowercase()),
        );
        Ok(())
    })?;
    Ok(finish(tables))
}

fn with_schema(table: &str) -> String {
    table.strip_prefix("quoin_").map_or_else(|| table.to_owned(), |plain| format!("quoin.{plain}"))
}

fn index(name: &str, unique: bool, partial: bool, columns: &str) -> String {
    let kind = if unique { "unique" } else { "index" };
    let condition = if partial { " where …" } else { "" };
    format!("{kind} {name} ({columns}){condition}")
}

fn foreign_key(from: &str, target: &str, to: &str, rule: &str) -> String {
    format!("foreign key ({from}) references {target} ({to}) on delete {rule}")
}

const POSTGRES_COLUMNS: &str = "
    select n.nspname::text, c.relname::text, t.typname::text, a.attnotnull, a.attname::text
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         join pg_type t on t.oid = a.atttypid
    where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and n.nspname = any ($1::text[])
    order by n.nspname, c.relname, a.attnum";

const POSTGRES_INDEXES: &str = "
    select n.nspname::text, c.relname::text, i.relname::text, x.indisunique, x.indpred is not null,
           (select string_agg(coalesce(a.attname, 'expression'), ', ' order by k.position)
            from unnest(x.indkey::int2[]) with ordinality k (number, position)
                 left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number and k.number > 0)
    from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
         join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any ($1::text[])";

const POSTGRES_KEYS: &str = "
    select n.nspname::text, c.relname::text, m.nspname::text, r.relname::text,
           case k.confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default'
                              when 'r' then 'restrict' else 'no action' end,
           (select string_agg(a.attname, ', ' order by f.position) from unnest(k.conkey) with ordinality f (number, position)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = f.number),
           (select string_agg(a.attname, ', ' order by f.position) from unnest(k.confkey) with ordinality f (number, position)
            join pg_attribute a on a.attrelid = r.oid and a.attnum = f.number)
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
         join pg_class r on r.oid = k.confrelid join pg_namespace m on m.oid = r.relnamespace
    where k.contype = 'f' and n.nspname = any ($1::text[])";

fn postgres(tx: &mut Tx<'_>) -> Result<Lines, DbError> {
    let schemas = params!["{public,quoin}"];
    let mut tables = Lines::new();
    tx.for_each::<DbError>(&DynamicSql(POSTGRES_COLUMNS.into()), &schemas, |row| {
        let (ty, column): (String, String) = (row.get(2)?, row.get(4)?);
        let line = format!("column {column} {}{}", as_in_sqlite(&ty), null(row.get(3)?));
        add(&mut tables, qualified(&row.get::<String>(0)?, row.get(1)?), line);
        Ok(())
    })?;
    tx.for_each::<DbError>(&DynamicSql(POSTGRES_INDEXES.into()), &schemas, |row| {
        let (name, columns): (String, String) = (row.get(2)?, row.get(5)?);
        let line = index(&name, row.get(3)?, row.get(4)?, &columns);
        add(&mut tables, qualified(&row.get::<String>(0)?, row.get(1)?), line);
        Ok(())
    })?;
    tx.for_each::<DbError>(&DynamicSql(POSTGRES_KEYS.into()), &schemas, |row| {
        let target = qualified(&row.get::<String>(2)?, row.get(3)?);
        let (rule, from, to): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(6)?);
        add(
            &mut tables,
            qualified(&row.get::<String>(0)?, row.get(1)?),
            foreign_key(&from, &target, &to, &rule),
        );
        Ok(())
    })?;
    Ok(finish(tables))
}

fn qualified(schema: &str, table: String) -> String {
    if schema == "public" { table } else { format!("{schema}.{table}") }
}

/// Returns the type that SQLite's side of the same migration has.
fn as_in_sqlite(ty: &str) -> &str {
    match ty {
        "uuid" | "timestamptz" | "jsonb" | "text" => "text",
        "bool" | "int8" => "integer",
        "float8" => "real",
        "bytea" => "blob",
        other => other,
    }
}
