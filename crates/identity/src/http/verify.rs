//! `/auth/v1/verify`: a page with a button for people, and a JSON call for programs.
//!
//! Opening the page consumes nothing, however often: mail scanners open links. The button's form does.

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret};
use quoin_web::{
    App, Ctx, HeaderMap, IntoResponse, Json, Operation, Redirect, Refusal, Response, RoutesFor, State,
    Unidentified, ValidBody, ValidQuery, Who, csrf, header,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::door::Door;
use super::landing;
use super::out::SessionOut;
use super::sign_up::missing;
use crate::Identity;
use crate::pages::{self, Carried};
use crate::service::{self, Delivery, LinkProof, MailedCode, Verified};

/// What a link carries.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct VerifyQuery {
    /// The token.
    token: Option<String>,
    /// The token, under its other name.
    token_hash: Option<String>,
    /// What the link is for.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Where the person shall land.
    redirect_to: Option<String>,
}

/// What the page's form, or a program, sends.
#[derive(Debug, Deserialize, JsonSchema)]
struct VerifyIn {
    /// What the link or code is for.
    #[serde(rename = "type")]
    kind: String,
    /// The token of a link; with `email` the code beside it.
    token: Option<Secret<String>>,
    /// The token of a link.
    token_hash: Option<Secret<String>>,
    /// The address that the code was sent to.
    email: Option<EmailAddress>,
    /// The new password, for `recovery` where a provider keeps people and takes its code together with it.
    password: Option<Secret<String>>,
    /// Where the person shall land; of the form only.
    redirect_to: Option<String>,
    /// The form's own token.
    csrf_token: Option<String>,
}

/// A session, or word of what to do next.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum VerifyOut {
    /// A session.
    Session(Box<SessionOut>),
    /// The other address has to agree too, or the person can sign in now.
    Next {
        /// What to do next.
        msg: &'static str,
        /// Always 200.
        code: u16,
    },
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/verify", "identity.link.show")
                .summary("Shows the page whose button uses a mailed link; consumes nothing.")
                .caller(Who::Unidentified)
                .query::<VerifyQuery>()
                .gives_nothing(200),
            show,
        )
        .add(
            Operation::post("/auth/v1/verify", "identity.link.use")
                .summary("Uses a mailed link or code, once.")
                .description(
                    "JSON answers a session. The page's form answers 303 to the allowed target, with tokens in the \
                     fragment, a code for PKCE, or error, error_code and error_description.",
                )
                .caller(Who::Unidentified)
                .takes_form::<VerifyIn>()
                .gives::<VerifyOut>(200)
                .gives_nothing(303),
            verify,
        )
}

async fn show(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<VerifyQuery>,
) -> Result<Response, Refusal> {
    show_page((&ctx.app, &door.origin), &identity, &headers, query).await
}

/// Shows the page of a mailed link.
pub(super) async fn show_page(
    (app, origin): (&App, &Origin),
    identity: &Identity,
    headers: &HeaderMap,
    query: VerifyQuery,
) -> Result<Response, Refusal> {
    let kind = query.kind.unwrap_or_default();
    let carried = Carried { kind: &kind, target: query.redirect_to.as_deref() };
    let Some(token) = query.token.or(query.token_hash).filter(|_| !kind.is_empty()) else {
        return dead_link((app, origin), identity, missing("token"), carried);
    };
    let purpose = match service::peek_link(identity, &token, &kind, origin).await {
        Ok(purpose) => purpose,
        Err(problem) if problem.status() < 500 => {
            return dead_link((app, origin), identity, problem, carried);
        }
        Err(problem) => return Err(problem.into()),
    };
    let form = csrf::issue(app, headers)?;
    Ok(app.show(pages::use_link(identity, (&token, purpose), carried, form, origin))?)
}

/// Shows what to do where something does not work.
pub(super) fn dead_link(
    (app, origin): (&App, &Origin),
    identity: &Identity,
    problem: Problem,
    carried: Carried<'_>,
) -> Result<Response, Refusal> {
    Ok(app.show(pages::dead_link(identity, problem, carried, origin))?)
}

async fn verify(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    headers: HeaderMap,
    ValidBody(input): ValidBody<VerifyIn>,
) -> Result<Response, Refusal> {
    if is_form(&headers) {
        return submit((&ctx.app, &door.origin), &identity, &headers, input).await;
    }
    if identity.user_store().is_some() {
        return elsewhere(&ctx, &identity, input).await;
    }
    let proof = input.proof()?;
    let out = match service::verify_link(&identity, proof, &input.kind, Delivery::Body, &door.origin).await? {
        Verified::Session(issued, _) | Verified::SignedIn(issued) => {
            VerifyOut::Session(Box::new((*issued).into()))
        }
        Verified::OneOfTwo => VerifyOut::Next { msg: landing::OTHER_ADDRESS, code: 200 },
        Verified::Code(_) => return Err(Problem::internal("a code was made for a body").into()),
    };
    Ok(Json(out).into_response())
}

/// Takes the code that a provider elsewhere has mailed.
async fn elsewhere(
    ctx: &Ctx<Unidentified>,
    identity: &Identity,
    input: VerifyIn,
) -> Result<Response, Refusal> {
    let LinkProof::Code { email, code } = input.proof()? else { return Err(missing("email").into()) };
    let mailed = MailedCode { email, code, password: input.password };
    let out = match service::verify_code_elsewhere(identity, &input.kind, mailed, &ctx.origin).await? {
        Some(issued) => VerifyOut::Session(Box::new(issued.into())),
        None => VerifyOut::Next { msg: "The address is confirmed. Sign in now.", code: 200 },
    };
    Ok(Json(out).into_response())
}

/// Takes the page's form and sends the browser on.
async fn submit(
    (app, origin): (&App, &Origin),
    identity: &Identity,
    headers: &HeaderMap,
    input: VerifyIn,
) -> Result<Response, Refusal> {
    let (target, kind) = (input.redirect_to.clone(), input.kind.clone());
    let result = match csrf::verify(app, headers, input.csrf_token.as_deref()) {
        Ok(()) => {
            let proof = input.proof()?;
            service::verify_link(identity, proof, &input.kind, Delivery::Redirect, origin).await
        }
        // Not redirected: whoever forged the form would learn that it was sent.
        Err(problem) => return dead_link((app, origin), identity, problem, Carried::NOTHING),
    };
    let config = app.config();
    let allowed = target.as_deref().and_then(|target| config.allowed_redirect(target));
    let location = match (result, allowed) {
        (Ok(verified), allowed) => {
            landing::success(verified, allowed.unwrap_or_else(|| config.site_url.clone()))
        }
        (Err(problem), Some(allowed)) if problem.status() < 500 => landing::failure(&problem, allowed),
        (Err(problem), None) if problem.status() < 500 => {
            return dead_link((app, origin), identity, problem, Carried { kind: &kind, target: None });
        }
        (Err(problem), _) => return Err(problem.into()),
    };
    Ok(Redirect::to(location.as_str()).into_response())
}

/// Tells whether a page's form was sent, rather than a program's call.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

impl VerifyIn {
    fn proof(&self) -> Result<LinkProof, Problem> {
        match (&self.token_hash, &self.token, &self.email) {
            (Some(token), _, _) | (None, Some(token), None) => Ok(LinkProof::Token(token.clone())),
            (None, Some(code), Some(email)) => {
                Ok(LinkProof::Code { email: email.clone(), code: code.clone() })
            }
            (None, None, _) => Err(missing("token_hash")),
        }
    }
}
