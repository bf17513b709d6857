//! Tables as documents: on SQLite all of the users', since it knows neither their types nor their policies; on either
//! engine `storage.objects`, of whose policies no engine knows.

use quoin_db::{DbError, Tx, Value, params, statements};
use quoin_policy::model::storage_objects;
use quoin_policy::model::table::{Schema, Table};

statements! {
    LIST = "select document from quoin.data_tables order by name";
    FIND = "select document from quoin.data_tables where name = ?1";
    CLEAR = "delete from quoin.data_tables";
    INSERT = "insert into quoin.data_tables (name, document) values (?1, ?2)";
}

/// Reads every document.
pub(crate) fn load(tx: &mut Tx<'_>) -> Result<Schema, DbError> {
    let documents: Vec<serde_json::Value> = tx.query(&LIST, &[], |row| row.get(0))?;
    let mut schema = Schema::new();
    for document in documents {
        let table = read(document)?;
        schema.insert(table.name.clone(), table);
    }
    storage_objects::ensure(&mut schema);
    Ok(schema)
}

/// Reads the policies on objects into a schema.
pub(crate) fn load_objects(tx: &mut Tx<'_>, schema: &mut Schema) -> Result<(), DbError> {
    let document = tx.query_opt(&FIND, &params![storage_objects::NAME], |row| row.get(0))?;
    if let Some(document) = document {
        schema.insert(storage_objects::NAME.to_owned(), read(document)?);
    }
    storage_objects::ensure(schema);
    Ok(())
}

/// Replaces every document.
pub(crate) fn save(tx: &mut Tx<'_>, schema: &Schema) -> Result<(), DbError> {
    tx.execute(&CLEAR, &[])?;
    schema.values().try_for_each(|table| insert(tx, table))
}

/// Replaces the document of the policies on objects, the only one there is where PostgreSQL keeps the others.
pub(crate) fn save_objects(tx: &mut Tx<'_>, schema: &Schema) -> Result<(), DbError> {
    tx.execute(&CLEAR, &[])?;
    schema.get(storage_objects::NAME).map_or(Ok(()), |table| insert(tx, table))
}

fn insert(tx: &mut Tx<'_>, table: &Table) -> Result<(), DbError> {
    let document = serde_json::to_string(table).map_err(|error| DbError::Driver(Box::new(error)))?;
    let [name] = params![&table.name];
    tx.execute(&INSERT, &[name, Value::Json(document.into())]).map(drop)
}

fn read(document: serde_json::Value) -> Result<Table, DbError> {
    serde_json::from_value(document).map_err(|error| DbError::Driver(Box::new(error)))
}
