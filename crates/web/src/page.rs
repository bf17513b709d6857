//! Small pages made on the server: markup that escapes by type, a strict content policy, one look.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use quoin_kernel::hash::sha256;
use url::Url;

/// The look that every page shares.
const STYLE: &str = include_str!("page/page.css");

/// Holds markup. Only literals enter as they are; everything else is escaped.
#[derive(Debug, Clone, Default)]
pub struct Html(String);

impl Html {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds markup that is part of the program.
    #[must_use]
    pub fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text from anywhere, escaped; also right inside a double-quoted attribute.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        escape(text, &mut self.0);
        self
    }

    /// Adds other markup.
    #[must_use]
    pub fn html(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// Adds a hidden field of a form.
    #[must_use]
    pub fn hidden(self, name: &str, value: &str) -> Self {
        let named = self.raw("<input type=\"hidden\" name=\"").text(name);
        named.raw("\" value=\"").text(value).raw("\">")
    }

    /// Returns the markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A page; its answer carries a policy under which no script, frame or foreign resource works.
#[derive(Debug)]
pub struct Page {
    title: String,
    language: &'static str,
    status: StatusCode,
    body: Html,
    style: &'static str,
    form_targets: Vec<Url>,
    cookies: Vec<HeaderValue>,
}

impl Page {
    /// Starts a page in English with status 200.
    pub fn new(title: impl Into<String>, body: Html) -> Self {
        Self {
            title: title.into(),
            language: "en",
            status: StatusCode::OK,
            body,
            style: "",
            form_targets: Vec::new(),
            cookies: Vec::new(),
        }
    }

    /// Sets the language, a tag of BCP 47.
    #[must_use]
    pub fn language(mut self, tag: &'static str) -> Self {
        self.language = tag;
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds rules to the shared look.
    #[must_use]
    pub fn style(mut self, css: &'static str) -> Self {
        self.style = css;
        self
    }

    /// Allows the page's form to end at another origin: browsers apply `form-action` to redirects too.
    #[must_use]
    pub fn form_may_reach(mut self, target: &Url) -> Self {
        self.form_targets.push(target.clone());
        self
    }

    /// Sets a cookie with the page.
    #[must_use]
    pub fn cookie(mut self, set_cookie: HeaderValue) -> Self {
        self.cookies.push(set_cookie);
        self
    }

    fn markup(&self) -> String {
        let mut out = String::with_capacity(STYLE.len() + self.body.0.len() + 512);
        let language = self.language;
        out.push_str("<!doctype html>\n<html lang=\"");
        escape(language, &mut out);
        out.push_str("\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
        escape(&self.title, &mut out);
        out.push_str("</title>\n<style>");
        out.push_str(STYLE);
        out.push_str(self.style);
        out.push_str("</style>\n</head>\n<body>\n");
        out.push_str(&self.body.0);
        out.push_str("\n</body>\n</html>\n");
        out
    }

    /// Writes the content policy: only this very style, and forms to here and to the named targets.
    fn policy(&self) -> String {
        let mut hashed = STYLE.to_owned();
        hashed.push_str(self.style);
        let style = STANDARD.encode(sha256(hashed.as_bytes()));
        let mut policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src 'self' data:; form-action 'self'"
        );
        for target in &self.form_targets {
            write!(policy, " {}", policy_source(target)).expect("writing to a String cannot fail");
        }
        policy.push_str("; base-uri 'none'; frame-ancestors 'none'");
        policy
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.markup()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::from_str(&self.policy()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // Links with tokens must not leak to other origins; `no-referrer` would turn a form's Origin into `null`.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        for cookie in self.cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Names where a URL leads as a content policy does. A scheme of an app (`myapp://…`) has no origin that a policy could
/// name, only the scheme itself.
pub fn policy_source(target: &Url) -> String {
    let origin = target.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { format!("{}:", target.scheme()) }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
