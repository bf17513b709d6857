//! Describes the tables that the requester may use, as an OpenAPI 2.0 document, which clients of the contract read.

use serde_json::{Map, Value, json};

use super::Data;
use crate::error::DataError;
use quoin_policy::model::logical_type::LogicalType;
use quoin_policy::model::requester::{RequestRole, Requester};
use quoin_policy::model::table::Table;

impl Data {
    /// Describes the tables.
    ///
    /// # Errors
    /// Where the catalogue cannot be read.
    pub async fn describe(&self, requester: &Requester) -> Result<Value, DataError> {
        let catalogue = self.cache().current(self.db()).await?;
        let mut tables: Vec<&Table> = catalogue
            .entries()
            .map(|entry| &entry.table)
            .filter(|table| table.row_security || requester.role == RequestRole::Service)
            .collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        let mut definitions = Map::new();
        let mut paths = Map::new();
        for table in tables {
            definitions.insert(table.name.clone(), definition(table));
            paths.insert(format!("/{}", table.name), path(table));
        }
        Ok(json!({
            "swagger": "2.0",
            "info": {"title": "Database API", "version": env!("CARGO_PKG_VERSION")},
            "basePath": "/rest/v1",
            "consumes": ["application/json", "text/csv"],
            "produces": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
            "paths": paths,
            "definitions": definitions,
        }))
    }
}

fn definition(table: &Table) -> Value {
    let required: Vec<&str> = table
        .columns
        .iter()
        .filter(|column| !column.nullable && column.default.is_none() && column.identity.is_none())
        .map(|column| column.name.as_str())
        .collect();
    let properties: Map<String, Value> = table
        .columns
        .iter()
        .map(|column| {
            let mut property = json!({"format": column.kind.to_string(), "type": json_type(&column.kind)});
            if let Some(comment) = &column.comment {
                property["description"] = json!(comment);
            }
            if let LogicalType::Varchar(length) = column.kind {
                property["maxLength"] = json!(length);
            }
            (column.name.clone(), property)
        })
        .collect();
    let mut definition = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        definition["required"] = json!(required);
    }
    if let Some(comment) = &table.comment {
        definition["description"] = json!(comment);
    }
    definition
}

fn path(table: &Table) -> Value {
    let schema = json!({"$ref": format!("#/definitions/{}", table.name)});
    let rows = json!({"200": {"description": "OK", "schema": {"type": "array", "items": schema.clone()}}});
    let body = json!([{"name": table.name, "in": "body", "schema": schema}]);
    let tags = json!([table.name]);
    let mut path = json!({"get": {"tags": tags, "responses": rows}});
    if !table.read_only {
        path["post"] =
            json!({"tags": tags, "parameters": body, "responses": {"201": {"description": "Created"}}});
        path["patch"] =
            json!({"tags": tags, "parameters": body, "responses": {"204": {"description": "No Content"}}});
        path["delete"] = json!({"tags": tags, "responses": {"204": {"description": "No Content"}}});
    }
    path
}

fn json_type(kind: &LogicalType) -> Value {
    match kind {
        LogicalType::SmallInt | LogicalType::Int | LogicalType::BigInt => json!("integer"),
        LogicalType::Double | LogicalType::Numeric(_) => json!("number"),
        LogicalType::Bool => json!("boolean"),
        LogicalType::Json | LogicalType::Other(_) => Value::Null,
        _ => json!("string"),
    }
}
