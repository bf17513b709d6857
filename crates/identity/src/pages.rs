//! The pages of this room, as what there is to say; how they look is decided above.
//!
//! They belong to links and journeys that an application has asked for through the API: the button that uses a mailed
//! link, the two pages before it, the page before an account is linked, and what to do where something does not work.

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret};
use quoin_web::View;
use quoin_web::csrf::FormToken;
use serde_json::json;
use url::Url;

use crate::Identity;
use crate::model::{CodeChallenge, Purpose};
use crate::service::{LinkWishes, TicketHolder};

/// What a link carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carried<'a> {
    /// The `type` that the link names.
    pub(crate) kind: &'a str,
    /// Where the person wants to land.
    pub(crate) target: Option<&'a str>,
}

impl Carried<'_> {
    /// Carries nothing.
    pub(crate) const NOTHING: Self = Self { kind: "", target: None };
}

/// Shows the button that uses a link. Nothing has been consumed.
pub(crate) fn use_link(
    identity: &Identity,
    (token, purpose): (&str, Purpose),
    carried: Carried<'_>,
    form: FormToken,
    origin: &Origin,
) -> View {
    let landing = identity.app().config().redirect_or_site(carried.target);
    let values = json!({"purpose": purpose.verification_type(), "host": landing.host_str()});
    let fields = vec![("token_hash", token.to_owned()), ("type", carried.kind.to_owned())];
    let view = View::new("confirm", values, origin).form("/auth/v1/verify".to_owned(), fields, form);
    let allowed = allowed(identity, carried.target);
    view.carry("redirect_to", allowed.as_ref().map(Url::as_str)).form_may_reach(&landing)
}

/// Says what to do where something does not work: ask for another link, or go back to the application.
pub(crate) fn dead_link(
    identity: &Identity,
    problem: Problem,
    carried: Carried<'_>,
    origin: &Origin,
) -> View {
    let config = identity.app().config();
    let target = allowed(identity, carried.target);
    // A site of its own is an application; by default the site is this server, which has nothing to go back to.
    let site = Some(&config.site_url).filter(|site| **site != config.public_url);
    let back = target.as_ref().or(site);
    let values = json!({
        "kind": carried.kind, "passwords": identity.config().passwords, "back": back.map(Url::as_str),
        "application": back.and_then(Url::host_str),
    });
    let landing = back.map(|url| url.as_str().to_owned());
    View::new("dead_link", values, origin).carry("redirect_to", landing.as_deref()).refused(problem)
}

/// Asks for the address that a link is mailed to; `key` says among whose people it is looked up.
pub(crate) fn ask_for_link(
    identity: &Identity,
    wishes: &LinkWishes,
    key: Option<&str>,
    form: FormToken,
    origin: &Origin,
) -> View {
    let values = json!({"passwords": identity.config().passwords});
    let view = View::new("link", values, origin).form(about("/auth/v1/magiclink", key), Vec::new(), form);
    wished(identity, view, wishes)
}

/// Says that a mail is on its way, whether or not it is, and takes the code that it holds.
pub(crate) fn check_your_mail(
    identity: &Identity,
    (email, key): (&EmailAddress, Option<&str>),
    wishes: &LinkWishes,
    form: FormToken,
    origin: &Origin,
) -> View {
    let landing = identity.app().config().redirect_or_site(wishes.redirect_to.as_deref());
    let minutes = identity.config().link_s.div_ceil(60);
    let values = json!({"email": email, "kind": "email", "minutes": minutes, "code_name": "token"});
    let fields = vec![("type", "email".to_owned()), ("email", email.to_string())];
    let view = View::new("check_mail", values, origin).form(about("/auth/v1/verify", key), fields, form);
    wished(identity, view, wishes).form_may_reach(&landing)
}

/// Shows whose account will be linked. Whoever was led here by somebody else sees that it is not theirs.
pub(crate) fn link_account(
    holder: &TicketHolder,
    ticket: &Secret<String>,
    form: FormToken,
    origin: &Origin,
) -> View {
    let user = &holder.user;
    let account = user.email.as_ref().map_or_else(|| user.id.to_string(), ToString::to_string);
    let values = json!({"provider": holder.provider.name, "account": account});
    View::new("link_account", values, origin)
        .to_reader(user.language())
        .form("/auth/v1/authorize".to_owned(), vec![("ticket", ticket.expose().clone())], form)
        .form_may_reach(&holder.authorization_endpoint)
}

/// Writes the address of a form that is about the people whom a key names.
fn about(path: &str, key: Option<&str>) -> String {
    let Some(key) = key else { return path.to_owned() };
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("apikey", key).finish();
    format!("{path}?{query}")
}

/// Carries on where the person shall land, if it is allowed, and the challenge of the browser that asks.
fn wished(identity: &Identity, view: View, wishes: &LinkWishes) -> View {
    let target = allowed(identity, wishes.redirect_to.as_deref());
    let challenge = wishes.challenge.as_ref().map(CodeChallenge::as_str);
    view.carry("redirect_to", target.as_ref().map(Url::as_str))
        .carry("code_challenge", challenge)
        .carry("code_challenge_method", challenge.map(|_| "s256"))
}

fn allowed(identity: &Identity, target: Option<&str>) -> Option<Url> {
    target.and_then(|target| identity.app().config().allowed_redirect(target))
}
