//! What a call takes, declared: names, types and choices. Whatever is not declared is refused, as Stripe does.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::error::StripeError;
use crate::form::as_list;

/// One parameter of a call or of a nested object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A text; an empty one unsets.
    Text,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// A number with a point, kept as text.
    Decimal,
    /// Seconds since 1970, or one of these words.
    Time(&'static [&'static str]),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Keys and values of the caller; an empty text unsets them all.
    Metadata,
    /// An object with these fields; an empty text unsets it.
    Object(&'static [Field]),
    /// A list of objects with these fields; an empty text empties it.
    Objects(&'static [Field]),
    /// A list of texts.
    Texts,
    /// A point in time, or bounds of it: `gt`, `gte`, `lt`, `lte`.
    Range,
}

/// Declares constructors of optional parameters.
macro_rules! constructors {
    ($($name:ident => $kind:expr;)*) => {$(
        pub(crate) const fn $name(name: &'static str) -> Field {
            Field { name, kind: $kind, required: false }
        }
    )*};
}

constructors! {
    text => Kind::Text;
    int => Kind::Int;
    flag => Kind::Bool;
    decimal => Kind::Decimal;
    time => Kind::Time(&[]);
    metadata => Kind::Metadata;
    texts => Kind::Texts;
    range => Kind::Range;
}

/// Declares a word of a choice.
pub(crate) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Field {
    Field { name, kind: Kind::OneOf(words), required: false }
}

/// Declares a moment that may also be a word.
pub(crate) const fn time_or(name: &'static str, words: &'static [&'static str]) -> Field {
    Field { name, kind: Kind::Time(words), required: false }
}

/// Declares an object.
pub(crate) const fn object(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Kind::Object(fields), required: false }
}

/// Declares a list of objects.
pub(crate) const fn objects(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Kind::Objects(fields), required: false }
}

impl Field {
    /// Makes it required.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// Checked parameters: each is of its declared type; null where the caller unset it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Checks a form against a declaration.
    ///
    /// # Errors
    /// `parameter_unknown`, `parameter_missing`, `parameter_invalid_…`.
    pub(crate) fn check(form: &Map<String, Value>, fields: &[Field]) -> Result<Self, StripeError> {
        checked(form, fields, "").map(Self)
    }

    /// Wraps a nested object that was checked with its parent, or one that the twin made.
    pub(crate) fn of(value: &Value) -> Self {
        Self(value.as_object().cloned().unwrap_or_default())
    }

    /// Tells whether the caller named it, be it to unset it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the names of what was given.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns what was given; null where nothing was.
    pub(crate) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// Returns a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).as_str()
    }

    /// Returns a text, or refuses.
    pub(crate) fn need(&self, name: &'static str) -> Result<&str, StripeError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// Returns a whole number or a moment.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.get(name).as_i64()
    }

    /// Returns a truth value.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).as_bool()
    }

    /// Returns a nested object.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        self.get(name).as_object().map(|fields| Self(fields.clone()))
    }

    /// Returns a list of nested objects.
    pub(crate) fn objects(&self, name: &str) -> Vec<Self> {
        self.get(name).as_array().map(|items| items.iter().map(Self::of).collect()).unwrap_or_default()
    }

    /// Returns a list of texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.get(name).as_array().map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Sets a parameter, where one call stands for another.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Writes the named parameters that were given into an object, as they are.
    pub(crate) fn copy(&self, object: &mut crate::object::Object, names: &[&str]) {
        for name in names {
            if self.has(name) {
                object.set(name, self.get(name).clone());
            }
        }
    }

    /// Merges metadata as Stripe does: given keys are set, empty ones removed, an empty text removes all.
    pub(crate) fn merge_metadata(&self, object: &mut crate::object::Object) {
        if !self.has("metadata") {
            return;
        }
        let mut merged = object.at("metadata").as_object().cloned().unwrap_or_default();
        match self.get("metadata") {
            Value::Object(given) => {
                for (key, value) in given {
                    if value.as_str() == Some("") {
                        merged.remove(key);
                    } else {
                        merged.insert(key.clone(), value.clone());
                    }
                }
            }
            _ => merged.clear(),
        }
        object.set("metadata", Value::Object(merged));
    }

    /// Returns the metadata of a new object.
    pub(crate) fn metadata(&self) -> Value {
        let mut object = crate::object::Object::new(serde_json::json!({"metadata": {}}));
        self.merge_metadata(&mut object);
        object.at("metadata").clone()
    }
}

fn checked(
    form: &Map<String, Value>,
    fields: &[Field],
    path: &str,
) -> Result<Map<String, Value>, StripeError> {
    if let Some(unknown) = form.keys().find(|name| !fields.iter().any(|field| field.name == name.as_str())) {
        let param = join(path, unknown);
        return Err(StripeError::invalid(format!("Received unknown parameter: {param}"))
            .code("parameter_unknown")
            .param(&param));
    }
    let mut out = Map::new();
    for field in fields {
        let param = join(path, field.name);
        match form.get(field.name) {
            Some(value) => {
                out.insert(field.name.to_owned(), field.kind.read(value, &param)?);
            }
            None if field.required => return Err(missing(&param)),
            None => {}
        }
        if field.required && out.get(field.name).is_some_and(Value::is_null) {
            return Err(StripeError::invalid(format!("You passed an empty string for '{param}'."))
                .code("parameter_invalid_empty")
                .param(&param));
        }
    }
    Ok(out)
}

/// Refuses a call that lacks a parameter.
pub(crate) fn missing(param: &str) -> StripeError {
    StripeError::invalid(format!("Missing required param: {param}.")).code("parameter_missing").param(param)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
}

impl Kind {
    fn read(self, value: &Value, param: &str) -> Result<Value, StripeError> {
        let tree = value.as_object();
        match (self, value.as_str()) {
            (Self::Texts | Self::Objects(_), Some("")) => Ok(Value::Array(Vec::new())),
            (_, Some("")) => Ok(Value::Null),
            (Self::Text, Some(text)) if text.len() <= 5000 => Ok(text.into()),
            (Self::Int, Some(text)) => text
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| wrong("Invalid integer", text, param).code("parameter_invalid_integer")),
            (Self::Bool, Some("true" | "1")) => Ok(true.into()),
            (Self::Bool, Some("false" | "0")) => Ok(false.into()),
            (Self::Decimal, Some(text)) => crate::billing::decimal::Decimal::parse(text)
                .map(|_| text.into())
                .ok_or_else(|| wrong("Invalid decimal", text, param)),
            (Self::Time(words), Some(text)) => moment(words, text, param),
            (Self::Range, Some(text)) => moment(&[], text, param),
            (Self::OneOf(words), Some(text)) if words.contains(&text) => Ok(text.into()),
            (Self::OneOf(words), Some(text)) => {
                Err(wrong(&format!("Invalid {param}: must be one of {}", words.join(", ")), text, param))
            }
            (Self::Metadata, None) => map_of_texts(tree, param),
            (Self::Object(fields), None) => {
                checked(tree.ok_or_else(|| misshapen("object", param))?, fields, param).map(Value::Object)
            }
            (Self::Objects(fields), None) => list(tree, param, |item, param| {
                let item = item.as_object().ok_or_else(|| misshapen("object", param))?;
                checked(item, fields, param).map(Value::Object)
            }),
            (Self::Texts, None) => list(tree, param, |item, param| {
                item.as_str().map(Value::from).ok_or_else(|| misshapen("string", param))
            }),
            (Self::Range, None) => {
                let bounds = const { &[time("gt"), time("gte"), time("lt"), time("lte")] };
                checked(tree.ok_or_else(|| misshapen("object", param))?, bounds, param).map(Value::Object)
            }
            (Self::Bool, Some(text)) => Err(wrong("Invalid boolean", text, param)),
            (Self::Metadata | Self::Object(_), Some(_)) => Err(misshapen("object", param)),
            (Self::Objects(_) | Self::Texts, Some(_)) => Err(misshapen("array", param)),
            (Self::Text, Some(_)) => {
                Err(StripeError::invalid(format!("{param} is too long: at most 5000 characters."))
                    .param(param))
            }
            (_, None) => Err(misshapen("string", param)),
        }
    }
}

fn moment(words: &[&str], text: &str, param: &str) -> Result<Value, StripeError> {
    if words.contains(&text) {
        return Ok(text.into());
    }
    let seconds = text.parse::<i64>().ok().filter(|seconds| (0..253_402_300_800).contains(seconds));
    seconds.map(Value::from).ok_or_else(|| {
        wrong("Invalid timestamp: must be an integer Unix timestamp", text, param)
            .code("parameter_invalid_integer")
    })
}

fn map_of_texts(tree: Option<&Map<String, Value>>, param: &str) -> Result<Value, StripeError> {
    let tree = tree.ok_or_else(|| misshapen("object", param))?;
    let fits = |(key, value): (&String, &Value)| {
        key.len() <= 40 && value.as_str().is_some_and(|value| value.len() <= 500)
    };
    if tree.len() > 50 || !tree.iter().all(fits) {
        let message =
            "Metadata takes up to 50 keys of up to 40 characters with values of up to 500 characters.";
        return Err(StripeError::invalid(message).param(param));
    }
    Ok(Value::Object(tree.clone()))
}

fn list(
    tree: Option<&Map<String, Value>>,
    param: &str,
    read: impl Fn(&Value, &str) -> Result<Value, StripeError>,
) -> Result<Value, StripeError> {
    let items = tree.and_then(as_list).ok_or_else(|| misshapen("array", param))?;
    let items = items.into_iter().enumerate();
    items
        .map(|(number, item)| read(item, &join(param, &number.to_string())))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn wrong(what: &str, text: &str, param: &str) -> StripeError {
    let shown: String = text.chars().take(60).collect();
    StripeError::invalid(format!("{what}: {shown}")).param(param)
}

fn misshapen(expected: &str, param: &str) -> StripeError {
    StripeError::invalid(format!("Invalid {expected} for {param}")).param(param)
}
