//! Calls as Stripe takes them: a method, a path, and a form whose nested names are written in brackets.

use http::Method;
use quoin_kernel::hash::sha256;

/// One call before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) form: Vec<(String, String)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), form: Vec::new() }
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self { method: Method::POST, path: path.into(), form: Vec::new() }
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, path: path.into(), form: Vec::new() }
    }

    /// Adds a field; nested ones are written `items[0][price]`.
    #[expect(clippy::needless_pass_by_value, reason = "values are ids, numbers and short texts")]
    pub(super) fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.form.push((name.into(), value.to_string()));
        self
    }

    /// Adds a field where there is a value.
    pub(super) fn with_some(self, name: impl Into<String>, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Names the step of a command that sends just this: another text has another name, so it is another request.
    pub(super) fn step(&self, name: &str) -> String {
        let text = sha256(self.encoded().as_bytes());
        text.iter().take(8).fold(name.to_owned(), |step, byte| format!("{step}{byte:02x}"))
    }

    /// Writes the form, for a body or a query.
    pub(super) fn encoded(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.form {
            out.append_pair(name, value);
        }
        out.finish()
    }
}

/// Makes an id that came from elsewhere safe to stand in a path.
pub(super) fn segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
