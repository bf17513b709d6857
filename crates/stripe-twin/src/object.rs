//! A Stripe object: a JSON document in Stripe's own shape, with typed reading by path.

use serde_json::{Map, Value};

/// A Stripe object. Fields that begin with an underscore are the twin's own and never shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object(Value);

impl Object {
    /// Wraps a document.
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    /// Returns the id.
    pub(crate) fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Returns the value of `object`, Stripe's name of the kind.
    pub(crate) fn kind(&self) -> &str {
        self.text("object").unwrap_or_default()
    }

    /// Returns the status.
    pub(crate) fn status(&self) -> &str {
        self.text("status").unwrap_or_default()
    }

    /// Returns what stands at a path of names with dots, null where nothing does.
    pub(crate) fn at(&self, path: &str) -> &Value {
        path.split('.').fold(&self.0, |value, name| &value[name])
    }

    /// Returns a text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.at(path).as_str()
    }

    /// Returns a text as its own, for objects that change meanwhile.
    pub(crate) fn owned(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    /// Returns a whole number.
    pub(crate) fn int(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    /// Returns an amount of money or a count; zero where it is absent.
    pub(crate) fn amount(&self, path: &str) -> i64 {
        self.int(path).unwrap_or(0)
    }

    /// Tells whether a flag is set.
    pub(crate) fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or(false)
    }

    /// Returns a list; empty where it is absent.
    pub(crate) fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }

    /// Sets what stands at a path, making objects on the way.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut node = &mut self.0;
        for name in path.split('.') {
            if !node.is_object() {
                *node = Value::Object(Map::new());
            }
            node = &mut node[name];
        }
        *node = value.into();
    }

    /// Adds to a number.
    pub(crate) fn add(&mut self, path: &str, amount: i64) {
        let sum = self.amount(path) + amount;
        self.set(path, sum);
    }

    /// Returns a list for changing; makes it where it is absent.
    pub(crate) fn list_mut(&mut self, path: &str) -> &mut Vec<Value> {
        if !self.at(path).is_array() {
            self.set(path, Vec::<Value>::new());
        }
        let mut node = &mut self.0;
        for name in path.split('.') {
            node = &mut node[name];
        }
        node.as_array_mut().expect("it was just made a list")
    }

    /// Removes a field of the first level.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(fields) = self.0.as_object_mut() {
            fields.remove(name);
        }
    }

    /// Returns the document.
    pub(crate) fn document(&self) -> &Value {
        &self.0
    }

    /// Returns the document.
    pub(crate) fn into_document(self) -> Value {
        self.0
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        object.0
    }
}

/// Takes the twin's own fields out, at every depth.
pub(crate) fn without_private(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.starts_with('_'));
            // What callers name themselves is theirs.
            let ours = fields.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "metadata" | "payload"));
            ours.for_each(|(_, value)| without_private(value));
        }
        Value::Array(items) => items.iter_mut().for_each(without_private),
        _ => {}
    }
}

/// Writes a list as Stripe does.
pub(crate) fn list_of(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    let mut list = serde_json::json!({"object": "list", "url": url, "has_more": has_more});
    list["data"] = Value::Array(data);
    list
}
