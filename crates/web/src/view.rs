//! What a room shows to a person: which page, filled with what. How pages look is the business of one room above.
//!
//! A room below says what there is to say; whoever implements [`Pages`] says it in the person's language and in the look of
//! the instance. Rooms know the names of templates and nothing of their markup.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use quoin_kernel::port::Origin;
use quoin_kernel::{Language, Problem};
use serde_json::Value;
use url::Url;

use crate::csrf::FormToken;
use crate::page::policy_source;

/// Shows views; `pages` implements it.
pub trait Pages: Send + Sync {
    /// Turns a view into an answer.
    ///
    /// # Errors
    /// 500 for a template that there is not or that asks for more than the view holds: a mistake of ours.
    fn show(&self, view: View) -> Result<Response, Problem>;
}

/// A page that a room shows.
#[derive(Debug)]
pub struct View {
    /// The name of the template, without its ending.
    pub template: &'static str,
    /// What fills it, a JSON object.
    pub values: Value,
    /// The language of its reader, where that is known.
    pub language: Option<Language>,
    /// What was refused, where the page is about that; it decides the status.
    pub problem: Option<Problem>,
    /// The form that the page holds, where it holds one.
    pub form: Option<Form>,
    /// What goes along to other pages and comes back with forms: where the person wants to land, and how.
    pub carried: Vec<(&'static str, String)>,
    /// Where else the page's form may end: browsers apply `form-action` to redirects too.
    pub form_targets: Vec<Url>,
}

/// A form of one button; its hidden fields suffice.
#[derive(Debug)]
pub struct Form {
    /// The path below the public URL that it is sent to, with a query where it has one.
    pub action: String,
    /// What it sends besides its token.
    pub fields: Vec<(&'static str, String)>,
    /// Its token and the cookie beside it.
    pub token: FormToken,
}

impl View {
    /// Starts a page for whoever has asked.
    pub fn new(template: &'static str, values: Value, origin: &Origin) -> Self {
        Self {
            template,
            values,
            language: origin.language,
            problem: None,
            form: None,
            carried: Vec::new(),
            form_targets: Vec::new(),
        }
    }

    /// Shows what was refused.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    /// Speaks to somebody whose language is known.
    #[must_use]
    pub fn to_reader(mut self, language: Option<Language>) -> Self {
        self.language = language.or(self.language);
        self
    }

    /// Holds a form.
    #[must_use]
    pub fn form(mut self, action: String, fields: Vec<(&'static str, String)>, token: FormToken) -> Self {
        self.form = Some(Form { action, fields, token });
        self
    }

    /// Takes something along.
    #[must_use]
    pub fn carry(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.carried.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// Lets the form end elsewhere.
    #[must_use]
    pub fn form_may_reach(mut self, target: &Url) -> Self {
        self.form_targets.push(target.clone());
        self
    }

    /// Returns the status that belongs to what the page says.
    pub fn status(&self) -> StatusCode {
        let refused = self.problem.as_ref().map(Problem::status);
        refused
            .map_or(StatusCode::OK, |status| StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
    }
}

/// What a page may do besides standing there.
#[derive(Debug, Default)]
pub struct Permits<'a> {
    /// Where its forms may end, besides here.
    pub form_targets: &'a [Url],
    /// Whether it may run scripts that this server has.
    pub script: bool,
}

/// Makes the answer of a page: nothing inline, nothing from elsewhere, no frames, and no address leaks to other origins.
///
/// # Errors
/// 500 for a target that no header can name.
pub fn answer(markup: String, status: StatusCode, permits: &Permits<'_>) -> Result<Response, Problem> {
    let script = if permits.script { "; script-src 'self'" } else { "" };
    let mut policy =
        format!("default-src 'none'; style-src 'self'; img-src 'self' data:{script}; form-action 'self'");
    for target in permits.form_targets {
        write!(policy, " {}", policy_source(target)).expect("writing to a String cannot fail");
    }
    policy.push_str("; base-uri 'none'; frame-ancestors 'none'");
    let mut response = Response::new(Body::from(markup));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = HeaderValue::from_str(&policy).map_err(Problem::internal)?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    // Links with tokens must not leak to other origins; `no-referrer` would turn a form's Origin into `null`.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    Ok(response)
}
