//! The OpenAPI 3.1 document, generated from the operations.

mod parameters;
mod schemas;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::WebConfig;
use crate::doorkeeper::Who;
use crate::route::Operation;

use schemas::Schemas;

/// Writes the document.
pub(crate) fn document(config: &WebConfig, operations: &[Arc<Operation>]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations.iter().filter(|operation| operation.documented) {
        let path = operation.path.replace("{*", "{");
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[operation.method.as_str().to_ascii_lowercase()] = describe(operation, &mut schemas);
    }
    let mut rooms: Vec<_> =
        operations.iter().filter(|operation| operation.documented).map(|it| room(it)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Quoin",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": config.public_url.as_str().trim_end_matches('/')}],
        "tags": rooms.iter().map(|room| json!({"name": room})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "responses": {"Problem": {
                "description": "A refusal.",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A person's access token, or an API key.",
                },
                "apikey": {"type": "apiKey", "in": "header", "name": "apikey", "description": "An API key."},
            },
        },
    })
}

/// The room an operation belongs to: the first part of its id.
pub(crate) fn room(operation: &Operation) -> &'static str {
    operation.id.split('.').next().unwrap_or_default()
}

/// Says whom an operation lets in, for people.
pub(crate) fn who(operation: &Operation) -> Cow<'static, str> {
    let who = match operation.who {
        Who::Unidentified | Who::Anyone => "anyone",
        Who::User => "signed-in person, not through an organisation's own provider",
        Who::UserAtAnyLevel => "signed-in person, even before the second factor",
        Who::Member => "member of the organisation",
        Who::Admin => "admin of the organisation",
        Who::Owner => "owner of the organisation",
        Who::Permitted(permission) => return format!("member with the permission {permission}").into(),
        Who::SecretKey => "secret API key",
        Who::PlatformKey => "secret API key of the platform",
    };
    who.into()
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut out = json!({
        "operationId": operation.id,
        "tags": [room(operation)],
        "summary": operation.summary,
        "security": security(operation.who),
        "x-quoin-caller": who(operation),
        "parameters": parameters::of(operation, schemas),
        "responses": responses(operation, schemas),
    });
    if !operation.description.is_empty() {
        out["description"] = json!(operation.description);
    }
    if let Some(body) = operation.body {
        let content = json!({"schema": schemas.taken(body)});
        let mut contents = json!({"application/json": content});
        if operation.takes_form {
            contents["application/x-www-form-urlencoded"] = content;
        }
        out["requestBody"] = json!({"required": true, "content": contents});
    }
    out
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut out = json!({"default": {"$ref": "#/components/responses/Problem"}});
    for (status, schema) in &operation.answers {
        let reason = http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let mut answer = json!({"description": reason.unwrap_or("The answer")});
        if let Some(schema) = schema {
            answer["content"] = json!({"application/json": {"schema": schemas.given(*schema)}});
        }
        out[status.to_string()] = answer;
    }
    out
}

fn security(who: Who) -> Value {
    match who {
        Who::Unidentified => json!([]),
        Who::Anyone => json!([{}, {"bearer": []}, {"apikey": []}]),
        Who::SecretKey | Who::PlatformKey => json!([{"bearer": []}, {"apikey": []}]),
        Who::User | Who::UserAtAnyLevel | Who::Member | Who::Admin | Who::Owner | Who::Permitted(_) => {
            json!([{"bearer": []}])
        }
    }
}
