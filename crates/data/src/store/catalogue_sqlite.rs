//! The users' tables on SQLite: one document each, since SQLite itself knows neither their types nor their policies.

use quoin_db::{DbError, Tx, Value, params, statements};

use quoin_policy::model::table::{Schema, Table};

statements! {
    LIST = "select document from quoin.data_tables order by name";
    CLEAR = "delete from quoin.data_tables";
    INSERT = "insert into quoin.data_tables (name, document) values (?1, ?2)";
}

/// Reads every document.
pub(crate) fn load(tx: &mut Tx<'_>) -> Result<Schema, DbError> {
    let documents: Vec<serde_json::Value> = tx.query(&LIST, &[], |row| row.get(0))?;
    let mut schema = Schema::new();
    for document in documents {
        let table: Table =
            serde_json::from_value(document).map_err(|error| DbError::Driver(Box::new(error)))?;
        schema.insert(table.name.clone(), table);
    }
    Ok(schema)
}

/// Replaces every document.
pub(crate) fn save(tx: &mut Tx<'_>, schema: &Schema) -> Result<(), DbError> {
    tx.execute(&CLEAR, &[])?;
    for table in schema.values() {
        let document = serde_json::to_string(table).map_err(|error| DbError::Driver(Box::new(error)))?;
        let [name] = params![&table.name];
        tx.execute(&INSERT, &[name, Value::Json(document.into())])?;
    }
    Ok(())
}
