//! One visit of a browser: what it brought, in which language it is answered, and where it goes from here.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{FromRef as _, FromRequest, FromRequestParts};
use minijinja::{Value, context};
use quoin_identity::model::CodeChallenge;
use quoin_identity::service::{LinkWishes, Named};
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, OrgId, Problem, Secret};
use quoin_web::csrf::{self, FormToken};
use quoin_web::request::RequestInfo;
use quoin_web::view::{self, Permits};
use quoin_web::{
    App, HeaderMap, HeaderValue, IntoResponse, Redirect, Refusal, Request, Response, StatusCode, ValidBody,
    ValidQuery, cookies, header,
};
use url::Url;

use crate::Pages;
use crate::frame::Common;
use quoin_kernel::Language;

/// Names the organisation whose people a visit is about, in addresses, forms and the cookie that remembers it.
pub(crate) const ORG: &str = "org";
/// How long a browser remembers it.
const REMEMBERED: Duration = Duration::from_hours(365 * 24);
/// The page that mailed links open.
const LINK_PAGE: &str = "/confirm";

/// What a form or a query carries.
#[derive(Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Returns a field; an empty one counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns a secret as it was typed, spaces included.
    pub(crate) fn secret(&self, name: &str) -> Secret<String> {
        Secret::new(self.0.get(name).cloned().unwrap_or_default())
    }

    /// Reads the field `email`.
    ///
    /// # Errors
    /// 400 `email_address_invalid`.
    pub(crate) fn email(&self) -> Result<EmailAddress, Problem> {
        let typed = self.get("email").unwrap_or_default();
        typed.parse().map_err(|_| Problem::new(400, "email_address_invalid", "This is no e-mail address"))
    }

    /// Reads an id.
    ///
    /// # Errors
    /// 400 `validation_failed`.
    pub(crate) fn id<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Problem> {
        let read = self.get(name).and_then(|text| text.parse().ok());
        read.ok_or_else(|| Problem::invalid(format!("{name} is needed.")).field(name, "is needed"))
    }
}

/// One visit.
pub(crate) struct Visit {
    pub(crate) pages: Pages,
    pub(crate) origin: Origin,
    pub(crate) headers: HeaderMap,
    pub(crate) language: Language,
    /// Where the person wants to land after signing in, where that is allowed.
    pub(crate) target: Option<Url>,
    /// What the person came to do once they are signed in.
    pub(crate) next: Option<String>,
    /// The organisation whose people the visit is about, where they belong to one each.
    org: Option<String>,
    /// What the application must be able to answer, where it uses PKCE: it then gets a code instead of tokens.
    pub(crate) challenge: Option<CodeChallenge>,
    form: FormToken,
    cookies: Vec<HeaderValue>,
    runs_script: bool,
}

/// A page that is opened.
pub(crate) struct Opened {
    pub(crate) visit: Visit,
    pub(crate) fields: Fields,
}

/// A form that one of our pages has sent: its CSRF token has been checked.
pub(crate) struct Sent {
    pub(crate) visit: Visit,
    pub(crate) fields: Fields,
}

impl FromRequestParts<Pages> for Opened {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        pages: &Pages,
    ) -> Result<Self, Refusal> {
        let ValidQuery(fields) =
            ValidQuery::<BTreeMap<String, String>>::from_request_parts(parts, pages).await?;
        let fields = Fields(fields);
        let origin = RequestInfo::of(&parts.extensions)?.origin.clone();
        let visit = Visit::begin(pages, origin, parts.headers.clone(), &fields).await?;
        Ok(Self { visit, fields })
    }
}

impl FromRequest<Pages> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Response> {
        let origin = RequestInfo::of(request.extensions()).map(|info| info.origin.clone());
        let origin = origin.map_err(|problem| Refusal::from(problem).into_response())?;
        let headers = request.headers().clone();
        let body = ValidBody::<BTreeMap<String, String>>::from_request(request, pages).await;
        let ValidBody(fields) = body.map_err(IntoResponse::into_response)?;
        let fields = Fields(fields);
        let app = App::from_ref(pages);
        let genuine = csrf::verify(&app, &headers, fields.get(csrf::FIELD));
        // Nothing that a forged form says is repeated on the page that refuses it.
        let trusted = if genuine.is_ok() { &fields } else { &Fields::default() };
        let visit = Visit::begin(pages, origin, headers, trusted).await;
        let visit = visit.map_err(|problem| Refusal::from(problem).into_response())?;
        match genuine {
            Ok(()) => Ok(Self { visit, fields }),
            Err(problem) => Err(visit.answer(Err(problem))),
        }
    }
}

impl Visit {
    async fn begin(
        pages: &Pages,
        origin: Origin,
        headers: HeaderMap,
        fields: &Fields,
    ) -> Result<Self, Problem> {
        let app = App::from_ref(pages);
        let named = fields.get(ORG).or_else(|| cookies::get(app.config(), &headers, ORG));
        let named = named.and_then(|org| org.parse().ok());
        let form = csrf::issue(&app, &headers)?;
        let target = fields.get("redirect_to").and_then(|target| {
            let ours = Url::parse(target).ok().filter(|target| is_ours(&app, target));
            ours.or_else(|| app.config().allowed_redirect(target))
        });
        let next = fields.get("next").filter(|next| *next == "password").map(str::to_owned);
        let (challenge, method) = (fields.get("code_challenge"), fields.get("code_challenge_method"));
        let challenge = CodeChallenge::from_client(challenge, method)?.filter(|_| target.is_some());
        let language = origin.language.unwrap_or(app.config().language);
        let (pages, cookies, org, runs_script) = (pages.clone(), Vec::new(), None, false);
        let mut visit = Self {
            pages,
            origin,
            headers,
            language,
            target,
            next,
            org,
            challenge,
            form,
            cookies,
            runs_script,
        };
        if let Some(org_id) = named {
            visit.is_about(org_id).await.or_else(unless_ours)?;
        }
        Ok(visit)
    }

    /// Makes the visit about an organisation's people, where they belong to one each, and has the browser remember it.
    pub(crate) async fn is_about(&mut self, org_id: OrgId) -> Result<(), Problem> {
        let named = Some(Named::Organization(org_id));
        self.origin = self.pages.identity().at_door(named, self.origin.clone()).await?;
        self.org = self.origin.realm.map(|org_id| org_id.to_string());
        if let Some(org) = &self.org {
            let cookie = cookies::set(self.app().config(), ORG, org, Some(REMEMBERED))?;
            self.set_cookie(cookie);
        }
        Ok(())
    }

    /// Tells whether the visit is about one organisation's people.
    pub(crate) fn is_about_one(&self) -> bool {
        self.org.is_some()
    }

    /// Returns what every door needs.
    pub(crate) fn app(&self) -> &App {
        self.pages.identity().app()
    }

    /// Tells whether the person shall land on one of these pages.
    pub(crate) fn lands_here(&self) -> bool {
        self.target.as_ref().is_none_or(|target| is_ours(self.app(), target))
    }

    /// Sets a cookie with the answer.
    pub(crate) fn set_cookie(&mut self, cookie: HeaderValue) {
        self.cookies.push(cookie);
    }

    /// Lets the page run the one script that there is.
    pub(crate) fn run_script(&mut self) {
        self.runs_script = true;
    }

    /// What links shall do that are mailed for this visit.
    pub(crate) fn link_wishes(&self) -> LinkWishes {
        LinkWishes {
            redirect_to: self.target.as_ref().map(|target| target.as_str().to_owned()),
            challenge: self.challenge.clone(),
            page: Some(LINK_PAGE),
        }
    }

    /// Says in the person's language why something was refused.
    pub(crate) fn explain(&self, problem: &Problem) -> String {
        let minimum = self.pages.identity().config().password_min_length.to_string();
        let text = self.pages.look().messages().of_problem(self.language, problem);
        text.replace("{minimum}", &minimum)
    }

    /// Shows a page.
    pub(crate) fn show(&self, template: &str, values: Value) -> Result<Response, Problem> {
        self.show_as(StatusCode::OK, template, values)
    }

    /// Shows a page again, with what was refused; faults of ours are no matter for a page.
    pub(crate) fn refuse(
        &self,
        template: &str,
        problem: Problem,
        values: Value,
    ) -> Result<Response, Problem> {
        if problem.status() >= 500 {
            return Err(problem);
        }
        let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let error = self.explain(&problem);
        self.show_as(status, template, context! { error, ..values })
    }

    fn show_as(&self, status: StatusCode, template: &str, values: Value) -> Result<Response, Problem> {
        let carried = self.carried();
        let common = Common { language: self.language, token: Some(&self.form), carried: &carried }.values();
        let redirect_to = self.target.as_ref().map(Url::as_str);
        let values = context! { redirect_to, ..context! { ..values, ..common } };
        let filled = self.pages.look().fill(template, values);
        let targets: Vec<Url> = self.target.iter().cloned().collect();
        // Forms may end where the person wants to land: browsers apply the policy to redirects too.
        let permits = Permits { form_targets: &targets, script: self.runs_script };
        let mut response = view::answer(filled.map_err(Problem::internal)?, status, &permits)?;
        response.headers_mut().append(header::SET_COOKIE, self.form.set_cookie.clone());
        Ok(response)
    }

    /// Sends the browser to another of these pages, which learns where the person wants to land.
    pub(crate) fn go(&self, path: &str) -> Response {
        let mut url = self.app().config().link(path);
        for (name, value) in self.carried() {
            url.query_pairs_mut().append_pair(name, &value);
        }
        Redirect::to(url.as_str()).into_response()
    }

    /// Returns what goes along from page to page until the person has landed.
    pub(crate) fn carried(&self) -> Vec<(&'static str, String)> {
        let challenge = self.challenge.as_ref().map(CodeChallenge::as_str);
        let carried = [
            ("redirect_to", self.target.as_ref().map(Url::as_str)),
            ("next", self.next.as_deref()),
            (ORG, self.org.as_deref()),
            ("code_challenge", challenge),
            ("code_challenge_method", challenge.map(|_| "s256")),
        ];
        carried.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
    }

    /// Ends the visit: sets cookies, and says what went wrong.
    pub(crate) fn answer(mut self, result: Result<Response, Problem>) -> Response {
        let result = result.or_else(|problem| match problem.code() {
            "insufficient_aal" => Ok(self.go("/second-factor")),
            "no_authorization" | "session_not_found" => Ok(self.go("/sign-in")),
            _ => self.show_problem(problem),
        });
        let mut response = result.unwrap_or_else(|problem| Refusal::from(problem).into_response());
        for cookie in self.cookies.drain(..) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    fn show_problem(&self, problem: Problem) -> Result<Response, Problem> {
        let needs_sign_in = problem.code() == "reauthentication_needed";
        self.refuse("problem.html", problem, context! { needs_sign_in })
    }
}

/// An organisation that cannot be used is as good as none: the page says what is missing.
fn unless_ours(problem: Problem) -> Result<(), Problem> {
    if problem.status() < 500 { Ok(()) } else { Err(problem) }
}

/// Tells whether a URL is one of the pages that a signed-in person may be sent to.
fn is_ours(app: &App, url: &Url) -> bool {
    let base = &app.config().public_url;
    let prefix = base.path().trim_end_matches('/');
    let path = url.path().strip_prefix(prefix).unwrap_or_default();
    let page = path.split('/').nth(1).unwrap_or_default();
    let plain = url.username().is_empty() && url.password().is_none();
    url.origin() == base.origin()
        && base.origin().is_tuple()
        && plain
        && ["account", "invitation"].contains(&page)
}
