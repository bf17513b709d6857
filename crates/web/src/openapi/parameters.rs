//! Parameters of paths and query strings.

use serde_json::{Value, json};

use super::Schemas;
use crate::route::Operation;

/// Lists an operation's parameters.
pub(super) fn of(operation: &Operation, schemas: &mut Schemas) -> Vec<Value> {
    let mut out: Vec<Value> =
        path_names(operation.path).map(|name| path_parameter(operation, name)).collect();
    if let Some(query) = operation.query {
        out.extend(query_parameters(&schemas.query(query)));
    }
    if operation.idempotent {
        out.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "schema": {"type": "string", "maxLength": 255},
            "description": "A repetition with the same key within 24 hours gets the first answer.",
        }));
    }
    out
}

/// Names the parameters of a path; `{*rest}` is `rest`.
pub(crate) fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| part.split('}').next()).map(|name| name.trim_start_matches('*'))
}

fn path_parameter(operation: &Operation, name: &str) -> Value {
    let documented = operation.params.iter().find(|(documented, _)| *documented == name);
    let about = documented.map_or_else(
        || match name.strip_suffix("_id") {
            Some(noun) => format!("The id of the {}.", noun.replace('_', " ")),
            None => format!("The {}.", name.replace('_', " ")),
        },
        |(_, about)| (*about).to_owned(),
    );
    let schema = if name.ends_with("_id") {
        json!({"type": "string", "format": "uuid"})
    } else {
        json!({"type": "string"})
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema, "description": about})
}

fn query_parameters(object: &Value) -> Vec<Value> {
    let required = |name: &str| {
        object["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
    };
    let properties = object["properties"].as_object().into_iter().flatten();
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut out = json!({"name": name, "in": "query", "required": required(name), "schema": schema});
        if let Some(about) = about {
            out["description"] = about;
        }
        out
    };
    properties.map(parameter).collect()
}
