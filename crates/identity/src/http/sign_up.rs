//! `/auth/v1/signup`, `recover`, `resend`: what leads to a mail.

use quoin_kernel::{EmailAddress, Problem, Secret};
use quoin_web::{Ctx, Json, Operation, Refusal, RoutesFor, State, Unidentified, ValidJson, ValidQuery, Who};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::door::Door;
use super::link_query::RedirectQuery;
use super::out::{Nothing, SessionOut, UserOut};
use crate::Identity;
use crate::error::IdentityError;
use crate::service::{self, ResendType, SignUp, SignedUp};

/// A sign-up.
#[derive(Debug, Deserialize, JsonSchema)]
struct SignUpIn {
    /// The address.
    email: Option<EmailAddress>,
    /// Refused: telephone numbers are not available.
    phone: Option<String>,
    /// The password.
    password: Option<Secret<String>>,
    /// What the person says about themselves.
    #[serde(default)]
    data: Option<Map<String, Value>>,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
}

/// A session at once, or the person who has to confirm the address first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum SignUpOut {
    /// A session at once.
    Session(Box<SessionOut>),
    /// The person who has to confirm the address first.
    Pending(Box<UserOut>),
}

/// An address that wants to recover its account.
#[derive(Debug, Deserialize, JsonSchema)]
struct RecoverIn {
    /// The address.
    email: EmailAddress,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
}

/// A link that is wanted once more.
#[derive(Debug, Deserialize, JsonSchema)]
struct ResendIn {
    /// Which link.
    #[serde(rename = "type")]
    kind: ResendType,
    /// The address of the account.
    email: EmailAddress,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/signup", "identity.user.sign_up")
                .summary("Makes an account for an address and a password, or an anonymous one without either.")
                .description("Answers alike whether or not the address has an account, unless sessions are issued at once.")
                .caller(Who::Unidentified)
                .query::<RedirectQuery>()
                .takes::<SignUpIn>()
                .gives::<SignUpOut>(200),
            sign_up,
        )
        .add(
            Operation::post("/auth/v1/recover", "identity.recovery.request")
                .summary("Mails a link that lets somebody in who has forgotten the password.")
                .description("Answers alike whether or not the address has an account.")
                .caller(Who::Unidentified)
                .query::<RedirectQuery>()
                .takes::<RecoverIn>()
                .gives::<Nothing>(200),
            recover,
        )
        .add(
            Operation::post("/auth/v1/resend", "identity.link.resend")
                .summary("Mails the link of a sign-up or of a change of address again.")
                .description("Answers alike whether or not there is such a link.")
                .caller(Who::Unidentified)
                .query::<RedirectQuery>()
                .takes::<ResendIn>()
                .gives::<Nothing>(200),
            resend,
        )
}

async fn sign_up(
    _: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<SignUpIn>,
) -> Result<Json<SignUpOut>, Refusal> {
    let wishes = query.wishes(input.code_challenge.as_deref(), input.code_challenge_method.as_deref())?;
    let (email, password) = match (input.email, input.password) {
        (Some(email), Some(password)) => (email, password),
        _ if input.phone.is_some() => return Err(IdentityError::PhoneDisabled.into()),
        (None, None) => {
            let data = input.data.unwrap_or_default();
            let issued = service::sign_in_anonymously(&identity, &data, &door.origin).await?;
            return Ok(Json(SignUpOut::Session(Box::new(issued.into()))));
        }
        (Some(_), None) => return Err(missing("password").into()),
        (None, Some(_)) => return Err(missing("email").into()),
    };
    let sign_up = SignUp { email, password, data: input.data.unwrap_or_default(), wishes };
    Ok(Json(match service::sign_up(&identity, sign_up, &door.origin).await? {
        SignedUp::Pending(user) => SignUpOut::Pending(Box::new((*user).into())),
        SignedUp::Session(issued) => SignUpOut::Session(Box::new((*issued).into())),
    }))
}

async fn recover(
    _: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<RecoverIn>,
) -> Result<Json<Nothing>, Refusal> {
    let wishes = query.wishes(input.code_challenge.as_deref(), input.code_challenge_method.as_deref())?;
    service::request_recovery(&identity, input.email, wishes, &door.origin).await?;
    Ok(Json(Nothing {}))
}

async fn resend(
    _: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<ResendIn>,
) -> Result<Json<Nothing>, Refusal> {
    let wishes = query.wishes(input.code_challenge.as_deref(), input.code_challenge_method.as_deref())?;
    service::resend_link(&identity, (input.kind, input.email), wishes, &door.origin).await?;
    Ok(Json(Nothing {}))
}

/// 400 for a field that the call cannot do without.
pub(super) fn missing(field: &'static str) -> Problem {
    Problem::invalid(format!("{field} is needed.")).field(field, "is needed")
}
