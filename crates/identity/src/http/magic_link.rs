//! `/auth/v1/otp` and `magiclink`: asking for a link and a code that sign in, from a program or on a page.

use quoin_kernel::EmailAddress;
use quoin_web::{
    Ctx, HeaderMap, IntoResponse, Json, Operation, Refusal, Response, RoutesFor, State, Unidentified,
    ValidBody, ValidQuery, Who, csrf,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::door::Door;
use super::link_query::RedirectQuery;
use super::out::Nothing;
use super::sign_up::missing;
use super::verify::{dead_link, is_form};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::CodeChallenge;
use crate::pages::{self, Carried};
use crate::service::{self, LinkWishes, MagicLinkRequest};

/// Somebody who wants to sign in by mail.
#[derive(Debug, Deserialize, JsonSchema)]
struct MagicLinkIn {
    /// The address.
    email: Option<EmailAddress>,
    /// Refused: telephone numbers are not available.
    phone: Option<String>,
    /// False where no account may be made; true by default.
    #[serde(default, deserialize_with = "bool_or_word")]
    #[schemars(with = "Option<bool>")]
    create_user: Option<bool>,
    /// What the person says about themselves, where the account is made.
    data: Option<Map<String, Value>>,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
    /// Where the person shall land; of the form only.
    redirect_to: Option<String>,
    /// The form's own token.
    csrf_token: Option<String>,
}

/// What the page is opened with.
#[derive(Debug, Deserialize, JsonSchema)]
struct AskQuery {
    /// Where the person shall land.
    redirect_to: Option<String>,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/otp", "identity.magic_link.request")
                .summary("Mails a link and a code that sign in, once.")
                .description(
                    "Answers alike whether or not the address has an account; without one it is made, unless \
                     create_user is false or sign-up is closed.",
                )
                .caller(Who::Unidentified)
                .alias("/auth/v1/magiclink")
                .query::<RedirectQuery>()
                .takes_form::<MagicLinkIn>()
                .gives::<Nothing>(200),
            request,
        )
        .add(
            Operation::get("/auth/v1/magiclink", "identity.magic_link.ask")
                .summary("Shows the page that asks for an address and mails a link to it.")
                .caller(Who::Unidentified)
                .query::<AskQuery>()
                .gives_nothing(200),
            ask,
        )
}

async fn ask(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<AskQuery>,
) -> Result<Response, Refusal> {
    let wishes = LinkWishes {
        challenge: CodeChallenge::from_client(
            query.code_challenge.as_deref(),
            query.code_challenge_method.as_deref(),
        )?,
        redirect_to: query.redirect_to,
        page: None,
    };
    let form = csrf::issue(&ctx.app, &headers)?;
    let key = door.page_key.as_deref();
    Ok(ctx.app.show(pages::ask_for_link(&identity, &wishes, key, form, &door.origin))?)
}

async fn request(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidBody(input): ValidBody<MagicLinkIn>,
) -> Result<Response, Refusal> {
    let page_asks = is_form(&headers);
    if page_asks && let Err(problem) = csrf::verify(&ctx.app, &headers, input.csrf_token.as_deref()) {
        return dead_link((&ctx.app, &door.origin), &identity, problem, Carried::NOTHING);
    }
    let mut wishes = query.wishes(input.code_challenge.as_deref(), input.code_challenge_method.as_deref())?;
    wishes.redirect_to = wishes.redirect_to.or(input.redirect_to);
    let Some(email) = input.email else {
        let phone_only = input.phone.is_some();
        return Err(if phone_only { IdentityError::PhoneDisabled.into() } else { missing("email").into() });
    };
    let request = MagicLinkRequest {
        email: email.clone(),
        create_user: input.create_user.unwrap_or(true),
        data: input.data.unwrap_or_default(),
        wishes: wishes.clone(),
    };
    let sent = service::request_magic_link(&identity, request, &door.origin).await;
    match sent {
        Ok(()) if page_asks => {
            let form = csrf::issue(&ctx.app, &headers)?;
            let sent_to = (&email, door.page_key.as_deref());
            Ok(ctx.app.show(pages::check_your_mail(&identity, sent_to, &wishes, form, &door.origin))?)
        }
        Ok(()) => Ok(Json(Nothing {}).into_response()),
        Err(problem) if page_asks && problem.status() < 500 => dead_link(
            (&ctx.app, &door.origin),
            &identity,
            problem,
            Carried { kind: "email", target: wishes.redirect_to.as_deref() },
        ),
        Err(problem) => Err(problem.into()),
    }
}

/// Reads a truth value, which a form writes as a word.
fn bool_or_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(value)),
        Some(Value::String(word)) if word == "true" => Ok(Some(true)),
        Some(Value::String(word)) if word == "false" => Ok(Some(false)),
        Some(_) => Err(serde::de::Error::custom("must be true or false")),
    }
}
