//! `/auth/v1/authorize` and `callback`: to a provider and back, in a browser.

use std::num::NonZeroU32;
use std::time::Duration;

use quoin_kernel::{Problem, Secret, rng};
use quoin_tenancy::ConnectionId;
use quoin_web::rate_limit::IpLimit;
use quoin_web::{
    App, Ctx, HeaderMap, HeaderValue, IntoResponse, Json, Operation, Redirect, Refusal, Response, RoutesFor,
    State, Unidentified, User, ValidBody, ValidPath, ValidQuery, Who, cookies, csrf, header,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::door::Door;
use super::landing;
use super::out::Nothing;
use super::sign_up::missing;
use super::verify::{self, VerifyQuery, dead_link};
use crate::Identity;
use crate::model::oauth_flow::LIFETIME;
use crate::model::{CodeChallenge, IdentityId};
use crate::pages::{self, Carried};
use crate::service::{self, LinkWishes, OauthReturn, OauthWish, Via};

/// The cookie that binds a journey to its browser.
const COOKIE: &str = "oauth";
/// How often one address may set out at once; each journey is a row for ten minutes.
const SET_OUT_AT_ONCE: NonZeroU32 = NonZeroU32::new(120).expect("120 is not zero");

/// Where to, and what the application wants.
#[derive(Debug, Deserialize, JsonSchema)]
struct AuthorizeQuery {
    /// The provider's name.
    provider: Option<String>,
    /// An organisation's connection instead, as `POST /auth/v1/sso` has named it.
    sso: Option<ConnectionId>,
    /// What is asked for besides, separated by spaces.
    scopes: Option<String>,
    /// Where the person shall land.
    redirect_to: Option<String>,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
    /// A ticket of `user/identities/authorize`.
    ticket: Option<Secret<String>>,
}

/// What the page's form sends.
#[derive(Debug, Deserialize, JsonSchema)]
struct TicketIn {
    /// The ticket.
    ticket: Secret<String>,
    /// The form's own token.
    csrf_token: Option<String>,
}

/// What the provider sends the browser back with; or, at `/auth/callback`, what a mailed link carries.
#[derive(Debug, Deserialize, JsonSchema)]
struct CallbackQuery {
    /// The state.
    state: Option<Secret<String>>,
    /// The code.
    code: Option<Secret<String>>,
    /// Who the provider says it is.
    iss: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// What a mailed link carries.
    #[serde(flatten)]
    link: VerifyQuery,
}

/// Where a browser goes to link an identity.
#[derive(Debug, Serialize, JsonSchema)]
struct LinkingOut {
    /// The URL.
    url: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct IdentityPath {
    /// The identity.
    identity_id: IdentityId,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    let routes = routes
        .add(
            Operation::get("/auth/v1/authorize", "identity.oauth.begin")
                .summary("Sends a browser to a provider; with a ticket, shows whose account will be linked.")
                .caller(Who::Unidentified)
                .limit_per_ip(IpLimit::new(SET_OUT_AT_ONCE, Duration::from_millis(500)))
                .query::<AuthorizeQuery>()
                .gives_nothing(303),
            begin,
        )
        .add(
            Operation::post("/auth/v1/authorize", "identity.oauth.use_ticket")
                .summary("Takes the ticket page's form and sends the browser to the provider.")
                .caller(Who::Unidentified)
                .takes_form::<TicketIn>()
                .gives_nothing(303),
            use_ticket,
        )
        .add(
            Operation::get("/auth/v1/callback", "identity.oauth.finish")
                .summary("Takes a browser that comes back from a provider and sends it on.")
                .description("Tokens go into the fragment, a code of the PKCE flow into the query, refusals into both.")
                .caller(Who::Unidentified)
                .alias("/auth/callback")
                .query::<CallbackQuery>()
                .gives_nothing(303),
            finish,
        );
    add_linking(routes)
}

fn add_linking(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/user/identities/authorize", "identity.identity.begin_linking")
                .summary("Makes a URL at which the caller's browser links an account at a provider.")
                .description("Needs a recent sign-in, and the second factor where there is one.")
                .caller(Who::User)
                .query::<AuthorizeQuery>()
                .gives::<LinkingOut>(200),
            begin_linking,
        )
        .add(
            Operation::delete("/auth/v1/user/identities/{identity_id}", "identity.identity.unlink")
                .summary("Takes an account at a provider from the caller's; never the last way in.")
                .caller(Who::User)
                .gives::<Nothing>(200),
            unlink,
        )
}

impl AuthorizeQuery {
    fn wish(self) -> Result<OauthWish, Problem> {
        let challenge = CodeChallenge::from_client(
            self.code_challenge.as_deref(),
            self.code_challenge_method.as_deref(),
        )?;
        let scopes = self.scopes.unwrap_or_default();
        Ok(OauthWish {
            via: match (self.provider, self.sso) {
                (Some(name), None) => Via::Provider(name),
                (None, Some(id)) => Via::Sso(id),
                _ => return Err(missing("provider")),
            },
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            wishes: LinkWishes { redirect_to: self.redirect_to, challenge, page: None },
        })
    }
}

async fn begin(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<AuthorizeQuery>,
) -> Result<Response, Refusal> {
    if let Some(ticket) = &query.ticket {
        return match service::peek_ticket(&identity, ticket, &door.origin).await {
            Ok(holder) => {
                let form = csrf::issue(&ctx.app, &headers)?;
                Ok(ctx.app.show(pages::link_account(&holder, ticket, form, &door.origin))?)
            }
            Err(problem) if problem.status() < 500 => {
                dead_link((&ctx.app, &door.origin), &identity, problem, Carried::NOTHING)
            }
            Err(problem) => Err(problem.into()),
        };
    }
    let browser = browser(&ctx.app, &headers);
    let url = service::begin_oauth(&identity, query.wish()?, &browser, &door.origin).await?;
    depart(&ctx.app, &url, &browser)
}

async fn use_ticket(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    headers: HeaderMap,
    ValidBody(input): ValidBody<TicketIn>,
) -> Result<Response, Refusal> {
    if let Err(problem) = csrf::verify(&ctx.app, &headers, input.csrf_token.as_deref()) {
        return dead_link((&ctx.app, &ctx.origin), &identity, problem, Carried::NOTHING);
    }
    let browser = browser(&ctx.app, &headers);
    let url = service::use_ticket(&identity, &input.ticket, &browser, &ctx.origin).await?;
    depart(&ctx.app, &url, &browser)
}

async fn finish(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<CallbackQuery>,
) -> Result<Response, Refusal> {
    let Some(state) = query.state else {
        return verify::show_page((&ctx.app, &door.origin), &identity, &headers, query.link).await;
    };
    let browser = cookies::get(ctx.app.config(), &headers, COOKIE).map(|text| Secret::new(text.to_owned()));
    let returned = OauthReturn { state, code: query.code, iss: query.iss, error: query.error, browser };
    let landed = match service::finish_oauth(&identity, returned, &door.origin).await {
        Ok(landed) => landed,
        Err(problem) if problem.status() < 500 => {
            return dead_link((&ctx.app, &door.origin), &identity, problem, Carried::NOTHING);
        }
        Err(problem) => return Err(problem.into()),
    };
    let location = match landed.outcome {
        Ok(verified) => landing::success(verified, landed.target),
        Err(problem) => landing::failure(&problem, landed.target),
    };
    Ok(Redirect::to(location.as_str()).into_response())
}

async fn begin_linking(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<AuthorizeQuery>,
) -> Result<Json<LinkingOut>, Refusal> {
    let url = service::begin_linking(&identity, &ctx.who.user, query.wish()?, &ctx.origin).await?;
    Ok(Json(LinkingOut { url: url.into() }))
}

async fn unlink(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<IdentityPath>,
) -> Result<Json<Nothing>, Refusal> {
    service::unlink_identity(&identity, &ctx.who.user, path.identity_id, &ctx.origin).await?;
    // The contract's clients read a body here.
    Ok(Json(Nothing {}))
}

/// Returns what tells this browser from others; one that has set out before keeps it, so that several tabs work.
fn browser(app: &App, headers: &HeaderMap) -> Secret<String> {
    let known = cookies::get(app.config(), headers, COOKIE).filter(|value| value.len() == 43);
    Secret::new(known.map_or_else(|| rng::token(app.rng()), str::to_owned))
}

fn depart(app: &App, url: &Url, browser: &Secret<String>) -> Result<Response, Refusal> {
    let cookie = cookies::set(app.config(), COOKIE, browser.expose(), Some(LIFETIME))?;
    let mut response = Redirect::to(url.as_str()).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
