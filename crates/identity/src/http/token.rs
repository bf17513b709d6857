//! `/auth/v1/token` and `logout`: sessions begin, continue and end.

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret};
use quoin_web::{
    Ctx, Json, Operation, Refusal, RoutesFor, State, StatusCode, Unidentified, UserAtAnyLevel, ValidBody,
    ValidQuery, Who,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::door::Door;
use super::out::SessionOut;
use super::sign_up::missing;
use crate::Identity;
use crate::error::IdentityError;
use crate::service::{self, IdTokenGrant, IssuedSession, LogoutScope};

/// By what a session is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
struct TokenQuery {
    /// `password`, `refresh_token`, `pkce` or `id_token`.
    grant_type: Option<String>,
}

/// What each grant needs.
#[derive(Debug, Deserialize, JsonSchema)]
struct TokenIn {
    /// The address, for `password`.
    email: Option<EmailAddress>,
    /// The user name, for `password`, where a provider keeps people and has user names.
    username: Option<String>,
    /// Refused: telephone numbers are not available.
    phone: Option<String>,
    /// The password, for `password`.
    password: Option<Secret<String>>,
    /// The refresh token, for `refresh_token`.
    refresh_token: Option<Secret<String>>,
    /// The authorization code, for `pkce`.
    auth_code: Option<Secret<String>>,
    /// The verifier, for `pkce`.
    code_verifier: Option<Secret<String>>,
    /// The provider's name, for `id_token`.
    provider: Option<String>,
    /// The ID token, for `id_token`.
    #[serde(alias = "token")]
    id_token: Option<Secret<String>>,
    /// The access token beside it, for `id_token`.
    access_token: Option<Secret<String>>,
    /// The nonce that the application drew, for `id_token`.
    nonce: Option<Secret<String>>,
}

/// Which sessions end.
#[derive(Debug, Deserialize, JsonSchema)]
struct LogoutQuery {
    /// `global` (by default), `local` or `others`.
    #[serde(default)]
    scope: LogoutScope,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/token", "identity.session.grant")
                .summary("Gives a session for a password, a refresh token, an authorization code or a provider's ID token.")
                .description(
                    "A refresh token has exactly one child. Its client may repeat the call within ten seconds; any \
                     other second use ends the session.",
                )
                .caller(Who::Unidentified)
                .query::<TokenQuery>()
                .takes_form::<TokenIn>()
                .gives::<SessionOut>(200),
            token,
        )
        .add(
            Operation::post("/auth/v1/logout", "identity.session.end")
                .summary("Ends this session, all others, or all.")
                .caller(Who::UserAtAnyLevel)
                .query::<LogoutQuery>()
                .gives_nothing(204),
            logout,
        )
}

async fn token(
    _: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    ValidQuery(query): ValidQuery<TokenQuery>,
    ValidBody(input): ValidBody<TokenIn>,
) -> Result<Json<SessionOut>, Refusal> {
    let issued = match query.grant_type.as_deref() {
        Some("password") => by_password(&identity, input, &door.origin).await?,
        Some("refresh_token") => {
            let token = input.refresh_token.ok_or_else(|| missing("refresh_token"))?;
            service::refresh_session(&identity, token.expose(), &door.origin).await?
        }
        Some("pkce") => {
            let code = input.auth_code.ok_or_else(|| missing("auth_code"))?;
            let verifier = input.code_verifier.ok_or_else(|| missing("code_verifier"))?;
            service::exchange_code(&identity, &code, verifier, &door.origin).await?
        }
        Some("id_token") => {
            let grant = IdTokenGrant {
                provider: input.provider.ok_or_else(|| missing("provider"))?,
                id_token: input.id_token.ok_or_else(|| missing("id_token"))?,
                access_token: input.access_token,
                nonce: input.nonce,
            };
            service::sign_in_with_id_token(&identity, grant, &door.origin).await?
        }
        _ => return Err(unknown_grant().into()),
    };
    Ok(Json(issued.into()))
}

async fn by_password(identity: &Identity, input: TokenIn, origin: &Origin) -> Result<IssuedSession, Problem> {
    let needs_password = || missing("password");
    match (input.email, input.username) {
        (Some(email), _) => {
            let password = input.password.ok_or_else(needs_password)?;
            service::sign_in(identity, email, password, origin).await
        }
        (None, Some(username)) => {
            let password = input.password.ok_or_else(needs_password)?;
            service::sign_in_with_name(identity, &username, password, origin).await
        }
        (None, None) if input.phone.is_some() => Err(IdentityError::PhoneDisabled.into()),
        (None, None) => Err(missing("email")),
    }
}

async fn logout(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<LogoutQuery>,
) -> Result<StatusCode, Refusal> {
    service::log_out(&identity, &ctx.who.user, query.scope, &ctx.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn unknown_grant() -> Problem {
    let why = "must be password, refresh_token, pkce or id_token";
    Problem::invalid(format!("grant_type {why}.")).field("grant_type", why)
}
