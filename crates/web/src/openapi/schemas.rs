//! The document's schemas: what comes in and what goes out are described apart, because serde treats them apart.

use quoin_kernel::problem::FieldError;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::route::SchemaOf;

const PREFIX: &str = "#/components/schemas/";

/// Collects schemas while operations are described.
pub(super) struct Schemas {
    incoming: SchemaGenerator,
    outgoing: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            incoming: settings().for_deserialize().into_generator(),
            outgoing: settings().for_serialize().into_generator(),
        }
    }

    /// Describes a body that is taken.
    pub(super) fn taken(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.incoming).to_value()
    }

    /// Describes a body that is given.
    pub(super) fn given(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.outgoing).to_value()
    }

    /// Describes query parameters: the object itself rather than a reference to it.
    pub(super) fn query(&mut self, schema: SchemaOf) -> Value {
        let mut generator = self.incoming.clone();
        let value = schema(&mut generator).to_value();
        let name = value.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(PREFIX));
        name.and_then(|name| generator.definitions().get(name)).cloned().unwrap_or(value)
    }

    /// Returns all schemas by name.
    ///
    /// # Panics
    /// At start, where one type is both taken and given but looks different: such a type needs two names.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let errors = self.outgoing.subschema_for::<Vec<FieldError>>().to_value();
        let mut all = self.outgoing.take_definitions(true);
        for (name, schema) in self.incoming.take_definitions(true) {
            if let Some(given) = all.get(&name) {
                assert!(
                    *given == schema,
                    "{name} is taken and given in two shapes; give each a name: In and Out"
                );
            }
            all.insert(name, schema);
        }
        all.insert("Problem".to_owned(), problem(&errors));
        all
    }
}

/// The one error body (RFC 9457, with the members that the contract's clients read).
fn problem(errors: &Value) -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let text_or_null = |about: &str| json!({"type": ["string", "null"], "description": about});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "message"],
        "properties": {
            "type": text("A URN that names the kind of problem."),
            "title": text("The kind of problem in one sentence."),
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": text("What happened in this case."),
            "instance": text("A URN that names this very request."),
            "code": text("The stable code of the kind of problem."),
            "error_code": text("The same as code."),
            "message": text("The same as detail."),
            "msg": text("The same as detail."),
            "hint": text_or_null("What to do next."),
            "details": text_or_null("What the database adds."),
            "errors": errors,
            "error": text("The same as code."),
            "error_description": text("The same as detail."),
            "statusCode": text("The HTTP status as text."),
            "weak_password": {
                "type": "object",
                "properties": {"reasons": {"type": "array", "items": {"type": "string"}}, "message": {"type": "string"}},
            },
        },
    })
}
