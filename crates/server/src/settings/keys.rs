//! The list of all keys, taken from the types themselves, so that the environment, the file and the reference agree.

use serde_json::{Map, Value};

use super::Settings;

/// One key of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// Its path in the file: `identity.link_s`.
    pub(super) path: Vec<String>,
    /// What its value is.
    pub(super) kind: Kind,
    /// What it does.
    pub(super) about: String,
    /// Its default, as JSON; null where there is none.
    pub(super) default: Value,
}

/// What a value is, as far as a text from the environment must be read as it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Bool,
    List,
}

impl Key {
    /// Returns the name of the variable: `QUOIN_IDENTITY_LINK_S`.
    pub(super) fn variable(&self) -> String {
        format!("QUOIN_{}", self.path.join("_").to_uppercase())
    }

    /// Reads a text of the environment as this key's kind; what does not fit stays a text, and is refused with it.
    pub(super) fn read(&self, text: &str) -> Value {
        match self.kind {
            Kind::Text => Value::from(text),
            Kind::Integer => text.trim().parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            Kind::Bool => text.trim().parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
            Kind::List => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
        }
    }
}

/// Stands in a key's path for a name that people choose.
const ANY: &str = "NAME";
/// Names that work without being in the file.
const KNOWN: [&str; 1] = ["google"];

/// Lists every key, names that people choose taken from what the file says.
pub(super) fn named(table: &Map<String, Value>) -> Vec<Key> {
    let mut keys = Vec::new();
    for key in all() {
        let Some(at) = key.path.iter().position(|part| part == ANY) else {
            keys.push(key);
            continue;
        };
        let chosen = table.get(&key.path[0]).and_then(Value::as_object);
        let chosen = chosen.into_iter().flat_map(Map::keys).map(String::as_str);
        let mut names: Vec<&str> = chosen.chain(KNOWN).collect();
        names.sort_unstable();
        names.dedup();
        keys.extend(names.into_iter().map(|name| {
            let mut key = key.clone();
            name.clone_into(&mut key.path[at]);
            key
        }));
    }
    keys
}

/// Lists every key.
pub(super) fn all() -> Vec<Key> {
    let settings =
        schemars::generate::SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Settings>();
    let mut keys = Vec::new();
    if let Some(Value::Object(properties)) = schema.get("properties") {
        walk(&mut Vec::new(), properties, &mut keys);
    }
    keys
}

fn walk(path: &mut Vec<String>, properties: &Map<String, Value>, keys: &mut Vec<Key>) {
    for (name, schema) in properties {
        path.push(name.clone());
        match (&schema["properties"], &schema["additionalProperties"]["properties"]) {
            (Value::Object(inner), _) => walk(path, inner, keys),
            (_, Value::Object(inner)) => {
                path.push(ANY.to_owned());
                walk(path, inner, keys);
                path.pop();
            }
            _ => keys.push(Key {
                path: path.clone(),
                kind: kind(schema),
                about: schema["description"].as_str().unwrap_or_default().replace('\n', " "),
                default: schema["default"].clone(),
            }),
        }
        path.pop();
    }
}

fn kind(schema: &Value) -> Kind {
    let is = |name: &str| match &schema["type"] {
        Value::String(one) => one == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => false,
    };
    match () {
        () if is("integer") => Kind::Integer,
        () if is("boolean") => Kind::Bool,
        () if is("array") => Kind::List,
        () => Kind::Text,
    }
}
