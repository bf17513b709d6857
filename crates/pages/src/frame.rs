//! The look of every page in the process, whichever room has something to say on it.

use std::sync::Arc;

use minijinja::value::Serde;
use minijinja::{Value, context};
use quoin_kernel::{Language, Problem};
use quoin_mail::Brand;
use quoin_web::csrf::{self, FormToken};
use quoin_web::view::{self, Permits, View};
use quoin_web::{App, FromRef, Module, Response, WebConfig, header};

use crate::config::PagesConfig;
use crate::http;
use crate::look::{Look, LookError};

/// How pages look, and in which languages they speak. Cloning shares it.
#[derive(Clone)]
pub struct Frame(Arc<Inner>);

struct Inner {
    app: App,
    look: Look,
}

/// What every template may name besides what its page is about.
pub(crate) struct Common<'a> {
    pub(crate) language: Language,
    pub(crate) token: Option<&'a FormToken>,
    pub(crate) carried: &'a [(&'static str, String)],
}

impl Frame {
    /// Reads templates, messages and the files of the configuration; `name` is the product's where the section names none.
    ///
    /// # Errors
    /// A file that cannot be read or used. Nothing is found out only when somebody opens a page.
    pub fn open(app: &App, name: &str, config: &PagesConfig) -> Result<Self, LookError> {
        let look = Look::load(config.name.as_deref().unwrap_or(name), config, app.config())?;
        Ok(Self(Arc::new(Inner { app: app.clone(), look })))
    }

    /// Describes the files that pages name to `server`.
    pub fn module(&self) -> Module {
        Module::new("pages", http::assets::routes(self.clone()))
    }

    /// Returns what mails take over from the pages: name, colours and logo.
    pub fn brand(&self) -> Brand {
        self.0.look.brand().clone()
    }

    pub(crate) fn look(&self) -> &Look {
        &self.0.look
    }

    /// Returns the configuration of the process.
    fn config(&self) -> &WebConfig {
        self.0.app.config()
    }
}

impl Common<'_> {
    /// Returns the values that every template may name.
    pub(crate) fn values(&self) -> Value {
        let pairs = self.carried.iter().map(|(name, value)| Value::from_iter([*name, value.as_str()]));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.carried.iter().map(|(name, value)| (*name, value.as_str())))
            .finish();
        let token = self.token.map(|token| token.field.as_str());
        context! {
            language => self.language.tag(),
            csrf => context! { name => csrf::FIELD, value => token },
            carried => pairs.collect::<Vec<_>>(),
            carry => if query.is_empty() { query } else { format!("?{query}") },
        }
    }
}

impl view::Pages for Frame {
    fn show(&self, view: View) -> Result<Response, Problem> {
        let (look, status) = (self.look(), view.status());
        let language = view.language.unwrap_or(self.config().language);
        let error = view.problem.as_ref().map(|problem| look.messages().of_problem(language, problem));
        let form = view.form.as_ref().map(|form| {
            let fields = form.fields.iter().map(|(name, value)| Value::from_iter([*name, value.as_str()]));
            context! { action => form.action.as_str(), fields => fields.collect::<Vec<_>>() }
        });
        let token = view.form.as_ref().map(|form| &form.token);
        let common = Common { language, token, carried: &view.carried };
        let values = context! { own_form => form, ..common.values() };
        let values = context! { ..values, ..Value::from(Serde(&view.values)) };
        let values = if let Some(error) = error {
            context! { error, ..values }
        } else {
            values
        };
        let markup = look.fill(&format!("{}.html", view.template), values).map_err(Problem::internal)?;
        let permits = Permits { form_targets: &view.form_targets, script: false };
        let mut response = view::answer(markup, status, &permits)?;
        if let Some(token) = token {
            response.headers_mut().append(header::SET_COOKIE, token.set_cookie.clone());
        }
        Ok(response)
    }
}

impl FromRef<Frame> for App {
    fn from_ref(frame: &Frame) -> Self {
        frame.0.app.clone()
    }
}
