//! `/auth/v1/sso`: which provider a domain's people come through.

use std::num::NonZeroU32;
use std::time::Duration;

use quoin_kernel::EmailAddress;
use quoin_tenancy::{ConnectionId, SsoKey};
use quoin_web::rate_limit::IpLimit;
use quoin_web::{
    Ctx, IntoResponse, Json, Operation, Redirect, Refusal, Response, RoutesFor, State, Unidentified,
    ValidJson, Who,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::door::Door;
use super::sign_up::missing;
use crate::Identity;
use crate::model::CodeChallenge;
use crate::service;

/// How often one address may ask at once.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(120).expect("120 is not zero");

/// Whose provider is asked for, by one of the three.
#[derive(Debug, Deserialize, JsonSchema)]
struct SsoIn {
    /// The connection.
    provider_id: Option<ConnectionId>,
    /// The domain of the organisation's addresses.
    domain: Option<String>,
    /// An address, of which nothing but the domain is looked at.
    email: Option<EmailAddress>,
    /// Where the person shall land.
    redirect_to: Option<String>,
    /// True where the URL shall be answered rather than redirected to.
    skip_http_redirect: Option<bool>,
    /// The challenge of the PKCE flow.
    code_challenge: Option<String>,
    /// `s256`.
    code_challenge_method: Option<String>,
}

/// Where the browser goes next.
#[derive(Debug, Serialize, JsonSchema)]
struct SsoOut {
    /// The URL.
    url: String,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes.add(
        Operation::post("/auth/v1/sso", "identity.sso.begin")
            .summary("Says where people of a domain, or of an organisation, sign in.")
            .description(
                "Domains are looked at, never addresses: the answer is the same whether or not somebody has an account.",
            )
            .caller(Who::Unidentified)
            .limit_per_ip(IpLimit::new(AT_ONCE, Duration::from_millis(500)))
            .takes::<SsoIn>()
            .gives::<SsoOut>(200),
        begin,
    )
}

impl SsoIn {
    fn key(&self) -> Option<SsoKey> {
        if let Some(id) = self.provider_id {
            return Some(SsoKey::Connection(id));
        }
        let of_address = self.email.as_ref().map(|email| email.domain().to_owned());
        // Read as addresses are, so that case and alphabet do not matter.
        let named = self.domain.as_ref().map(|domain| match format!("postmaster@{domain}").parse() {
            Ok(address) => EmailAddress::domain(&address).to_owned(),
            Err(_) => String::new(),
        });
        named.or(of_address).map(SsoKey::Domain)
    }
}

/// The URL is one of ours, because the journey is bound to the browser by a cookie of ours, which a call of the
/// application's cannot set.
async fn begin(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    ValidJson(input): ValidJson<SsoIn>,
) -> Result<Response, Refusal> {
    let key = input.key().ok_or_else(|| missing("domain"))?;
    CodeChallenge::from_client(input.code_challenge.as_deref(), input.code_challenge_method.as_deref())?;
    let id = service::find_sso(&identity, key, &door.origin).await?;
    let mut url: Url = ctx.app.config().link("/auth/v1/authorize");
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("sso", &id.to_string());
        let wishes = [
            ("redirect_to", &input.redirect_to),
            ("code_challenge", &input.code_challenge),
            ("code_challenge_method", &input.code_challenge_method),
        ];
        for (name, value) in wishes {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                query.append_pair(name, value);
            }
        }
    }
    if input.skip_http_redirect == Some(false) {
        return Ok(Redirect::to(url.as_str()).into_response());
    }
    Ok(Json(SsoOut { url: url.into() }).into_response())
}
