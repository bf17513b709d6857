//! What a call declares: method, path, parameters and what it does.

use serde_json::Value;

use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Kind, Params, int, text, texts};
use crate::object::Object;

/// A call in work.
pub(crate) struct Call<'a, 'c> {
    /// What it can do.
    pub(crate) desk: Desk<'a, 'c>,
    /// The kind of object that its file is about.
    pub(crate) kind: &'static str,
    /// The path that was called.
    pub(crate) path: String,
    /// What stands in the braces of the path.
    pub(crate) ids: Vec<String>,
    /// Its checked parameters.
    pub(crate) params: Params,
    /// What a list is narrowed by.
    pub(crate) filter: Filter,
}

/// Tells whether an object belongs to a list that is narrowed by the parameter of this name.
pub(crate) type Filter = fn(&Object, &str, &Value) -> bool;
/// What a call does, in one transaction.
pub(crate) type Run = fn(&mut Call<'_, '_>) -> Result<Value, StripeError>;

/// The calls about one kind of object.
pub(crate) struct Resource {
    /// Stripe's name of the kind, the value of `object`.
    pub(crate) kind: &'static str,
    /// Its calls.
    pub(crate) operations: &'static [Operation],
    /// How its lists are narrowed.
    pub(crate) filter: Filter,
}

/// One call.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) pages: bool,
    /// Whether it reads what is imagined, which takes a transaction that could write.
    imagines: bool,
    pub(crate) run: Run,
}

/// The methods of Stripe's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// What every list takes.
const PAGE: &[Field] = &[int("limit"), text("starting_after"), text("ending_before"), texts("expand")];
/// What every other call takes.
const EXPAND: &[Field] = &[texts("expand")];

/// Declares a call that reads.
pub(crate) const fn get(path: &'static str, run: Run) -> Operation {
    Operation { method: Method::Get, path, fields: &[], pages: false, imagines: false, run }
}

/// Declares a call that reads with parameters.
pub(crate) const fn get_with(path: &'static str, fields: &'static [Field], run: Run) -> Operation {
    Operation { method: Method::Get, path, fields, pages: false, imagines: false, run }
}

/// Declares a list.
pub(crate) const fn list(path: &'static str, fields: &'static [Field], run: Run) -> Operation {
    Operation { method: Method::Get, path, fields, pages: true, imagines: false, run }
}

/// Declares a call that changes something.
pub(crate) const fn post(path: &'static str, fields: &'static [Field], run: Run) -> Operation {
    Operation { method: Method::Post, path, fields, pages: false, imagines: false, run }
}

/// Declares a call that removes something.
pub(crate) const fn delete(path: &'static str, fields: &'static [Field], run: Run) -> Operation {
    Operation { method: Method::Delete, path, fields, pages: false, imagines: false, run }
}

impl Method {
    /// Reads the method of a request.
    pub(crate) fn of(method: &http::Method) -> Option<Self> {
        match *method {
            http::Method::GET => Some(Self::Get),
            http::Method::POST => Some(Self::Post),
            http::Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }

    /// Returns the method's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// Says that it imagines something, looks at it, and undoes it.
    pub(crate) const fn imagining(mut self) -> Self {
        self.imagines = true;
        self
    }

    /// Tells whether it only reads.
    pub(crate) fn only_reads(&self) -> bool {
        self.method == Method::Get && !self.imagines
    }

    /// Returns what stands in the braces where a path is this operation's.
    fn ids(&self, path: &str) -> Option<Vec<String>> {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        let mut ids = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(ids),
                (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                    ids.push(given.to_owned());
                }
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return None,
            }
        }
    }

    /// Checks a form against what this call takes.
    pub(crate) fn check(&self, form: &serde_json::Map<String, Value>) -> Result<Params, StripeError> {
        let shared = if self.pages { PAGE } else { EXPAND };
        let fields: Vec<Field> = self.fields.iter().chain(shared).copied().collect();
        Params::check(form, &fields)
    }

    /// Returns the names of what it takes, for the table of support.
    pub(crate) fn parameters(&self) -> Vec<String> {
        self.fields.iter().flat_map(|field| names(field, field.name)).collect()
    }
}

fn names(field: &Field, path: &str) -> Vec<String> {
    match field.kind {
        Kind::Object(inner) | Kind::Objects(inner) => {
            inner.iter().flat_map(|field| names(field, &format!("{path}.{}", field.name))).collect()
        }
        _ => vec![path.to_owned()],
    }
}

/// Finds the operation of a request. A path without braces goes before one with them.
pub(crate) fn find(
    method: &http::Method,
    path: &str,
) -> Option<(&'static Resource, &'static Operation, Vec<String>)> {
    let method = Method::of(method)?;
    let all = crate::objects::CATALOGUE.iter();
    let all =
        all.flat_map(|resource| resource.operations.iter().map(move |operation| (*resource, operation)));
    let fitting = all.filter(|(_, operation)| operation.method == method);
    let fitting =
        fitting.filter_map(|(resource, operation)| operation.ids(path).map(|ids| (resource, operation, ids)));
    fitting.min_by_key(|(.., ids)| ids.len())
}

/// Compares the field of the parameter's own name.
pub(crate) fn same(object: &Object, name: &str, wanted: &Value) -> bool {
    object.at(name) == wanted
}

impl Call<'_, '_> {
    /// Returns the first id of the path.
    pub(crate) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// Gets the object that the path names.
    pub(crate) fn target(&mut self) -> Result<Object, StripeError> {
        let (kind, id) = (self.kind, self.id().to_owned());
        let object = self.desk.get(kind, &id)?;
        if object.flag("deleted") {
            return Err(StripeError::missing(kind, &id));
        }
        Ok(object)
    }
}

/// Answers with the object that the path names.
pub(crate) fn retrieve(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (kind, id) = (call.kind, call.id().to_owned());
    Ok(call.desk.get(kind, &id)?.into_document())
}
