//! `/auth/v1/user` and `reauthenticate`: what people see of themselves and change.

use quoin_kernel::{EmailAddress, Secret};
use quoin_web::{
    Ctx, HeaderValue, IntoResponse, Json, Operation, Refusal, Response, RoutesFor, State, User,
    UserAtAnyLevel, ValidJson, ValidQuery, Who, header,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::link_query::RedirectQuery;
use super::out::{Nothing, UserOut};
use crate::Identity;
use crate::error::IdentityError;
use crate::service::{self, UserChanges};

/// What a person wants to change; what is missing stays.
#[derive(Debug, Deserialize, JsonSchema)]
struct UserIn {
    /// The new address; both addresses have to agree by mail.
    email: Option<EmailAddress>,
    /// Refused: telephone numbers are not available.
    phone: Option<String>,
    /// The new password; ends all other sessions.
    password: Option<Secret<String>>,
    /// The present password, where the sign-in is not recent.
    current_password: Option<Secret<String>>,
    /// The code that `reauthenticate` has mailed, where the sign-in is not recent.
    nonce: Option<Secret<String>>,
    /// Changes to what the person says about themselves, key by key; null removes a key.
    data: Option<Map<String, Value>>,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/user", "identity.user.get_own")
                .summary("Shows the caller's account.")
                .caller(Who::UserAtAnyLevel)
                .gives::<UserOut>(200),
            get,
        )
        .add(
            Operation::put("/auth/v1/user", "identity.user.update")
                .summary("Changes the caller's address, password or metadata.")
                .description(
                    "Address and password need a recent sign-in, the present password, or a mailed code.",
                )
                .caller(Who::User)
                .query::<RedirectQuery>()
                .takes::<UserIn>()
                .gives::<UserOut>(200),
            update,
        )
        .add(
            Operation::get("/auth/v1/reauthenticate", "identity.reauthentication.request")
                .summary("Mails the caller a code that a change of password or address accepts as nonce.")
                .caller(Who::User)
                .gives::<Nothing>(200),
            reauthenticate,
        )
        .add(
            Operation::get("/auth/v1/user/export", "identity.user.export_own")
                .summary("Gives the caller everything that is kept of them, in one file.")
                .description(
                    "Needs a recent sign-in, and the second factor where there is one. Secrets stay.",
                )
                .caller(Who::User)
                .gives::<Value>(200),
            export,
        )
}

async fn get(ctx: Ctx<UserAtAnyLevel>, State(identity): State<Identity>) -> Result<Json<UserOut>, Refusal> {
    Ok(Json(service::get_own_user(&identity, &ctx.who.user).await?.into()))
}

async fn update(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<UserIn>,
) -> Result<Json<UserOut>, Refusal> {
    if input.phone.is_some_and(|phone| !phone.is_empty()) {
        return Err(IdentityError::PhoneDisabled.into());
    }
    let changes = UserChanges {
        email: input.email,
        password: input.password,
        current_password: input.current_password,
        nonce: input.nonce,
        data: input.data,
        wishes: query.wishes(input.code_challenge.as_deref(), input.code_challenge_method.as_deref())?,
    };
    Ok(Json(service::update_user(&identity, &ctx.who.user, changes, &ctx.origin).await?.into()))
}

async fn export(ctx: Ctx<User>, State(identity): State<Identity>) -> Result<Response, Refusal> {
    let file = service::export_own_account(&identity, &ctx.who.user, &ctx.origin).await?;
    Ok(attached(file))
}

/// Answers a file that a browser saves and no cache keeps.
pub(super) fn attached(file: Value) -> Response {
    let mut response = Json(file).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    response
}

async fn reauthenticate(ctx: Ctx<User>, State(identity): State<Identity>) -> Result<Json<Nothing>, Refusal> {
    service::request_reauthentication(&identity, &ctx.who.user, &ctx.origin).await?;
    Ok(Json(Nothing {}))
}
