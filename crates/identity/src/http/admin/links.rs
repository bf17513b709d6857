//! `/auth/v1/invite` and `admin/generate_link`: links that administrators send, or have sent.

use quoin_audit::Actor;
use quoin_kernel::{EmailAddress, OrgId, Problem, Secret};
use quoin_web::{Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, ValidJson, ValidQuery, Who};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::link_query::RedirectQuery;
use super::super::out::UserOut;
use super::users::SCOPE;
use crate::Identity;
use crate::model::Purpose;
use crate::service::{self, GeneratedLink, LinkRequest};

/// Somebody to invite.
#[derive(Debug, Deserialize, JsonSchema)]
struct InviteIn {
    /// Their address.
    email: EmailAddress,
    /// Whose people they will be one of, where people belong to one organisation each.
    org_id: Option<OrgId>,
    /// What they are said to say about themselves.
    data: Option<Map<String, Value>>,
}

/// A link that an administrator wants to send themselves.
#[derive(Debug, Deserialize, JsonSchema)]
struct GenerateLinkIn {
    /// `signup`, `invite`, `magiclink`, `recovery`, `email_change_current` or `email_change_new`.
    #[serde(rename = "type")]
    kind: String,
    /// The person's address.
    email: EmailAddress,
    /// Whose people they are one of, where people belong to one organisation each.
    org_id: Option<OrgId>,
    /// The password of a sign-up.
    password: Option<Secret<String>>,
    /// The address of a change of address.
    new_email: Option<EmailAddress>,
    /// What the person is said to say about themselves, where the account is made.
    data: Option<Map<String, Value>>,
    /// Where the person shall land.
    redirect_to: Option<String>,
}

/// The person, and a link with its secrets.
#[derive(Debug, Serialize, JsonSchema)]
struct GeneratedLinkOut {
    /// The URL to open.
    action_link: String,
    /// The code beside it.
    email_otp: String,
    /// The token that the URL carries.
    hashed_token: String,
    /// Where the person will land.
    redirect_to: String,
    /// What the link is for.
    verification_type: &'static str,
    /// The person.
    #[serde(flatten)]
    user: UserOut,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/invite", "identity.user.invite")
                .summary("Makes an account without a password and mails a link that opens it.")
                .caller(Who::PlatformKey)
                .query::<RedirectQuery>()
                .takes::<InviteIn>()
                .gives::<UserOut>(200),
            invite,
        )
        .add(
            Operation::post("/auth/v1/admin/generate_link", "identity.link.generate")
                .summary("Makes a link that the administrator sends; no mail is sent.")
                .caller(Who::PlatformKey)
                .query::<RedirectQuery>()
                .takes::<GenerateLinkIn>()
                .gives::<GeneratedLinkOut>(200),
            generate,
        )
}

async fn invite(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<InviteIn>,
) -> Result<Json<UserOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let about = identity.about(input.org_id, &ctx.origin).await?;
    let invited = (input.email, input.data.unwrap_or_default());
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    let wishes = query.wishes(None, None)?;
    Ok(Json(service::invite_user(&identity, invited, wishes, actor, &about).await?.into()))
}

async fn generate(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<GenerateLinkIn>,
) -> Result<Json<GeneratedLinkOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let about = identity.about(input.org_id, &ctx.origin).await?;
    let purpose = Purpose::parse(&input.kind).filter(|purpose| *purpose != Purpose::Reauthentication);
    let request = LinkRequest {
        purpose: purpose.ok_or_else(unknown_type)?,
        email: input.email,
        password: input.password,
        new_email: input.new_email,
        data: input.data.unwrap_or_default(),
        redirect_to: input.redirect_to.or(query.target()),
    };
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Ok(Json(service::generate_link(&identity, request, actor, &about).await?.into()))
}

fn unknown_type() -> Problem {
    let why = "must be signup, invite, magiclink, recovery, email_change_current or email_change_new";
    Problem::invalid(format!("type {why}.")).field("type", why)
}

impl From<GeneratedLink> for GeneratedLinkOut {
    fn from(link: GeneratedLink) -> Self {
        Self {
            action_link: link.url.into(),
            email_otp: link.code.expose().clone(),
            hashed_token: link.token.expose().clone(),
            redirect_to: link.redirect_to.into(),
            verification_type: link.purpose.as_str(),
            user: link.user.into(),
        }
    }
}
