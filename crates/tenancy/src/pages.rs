//! The page behind an invitation's link, as what there is to say: who invites, and what to do. It consumes nothing.

use quoin_kernel::Problem;
use quoin_kernel::port::Origin;
use quoin_web::{View, WebConfig};
use serde_json::json;
use url::Url;

use crate::service::InvitationFacts;

/// Says who invites whom to what, and leads to the application, which accepts in the name of whoever signs in there.
///
/// The token goes along in the fragment, which browsers send to no server.
pub(crate) fn invitation(
    config: &WebConfig,
    facts: &InvitationFacts,
    (token, target): (&str, Option<&str>),
    origin: &Origin,
) -> View {
    let mut onward = application(config, target);
    if let Some(url) = &mut onward {
        url.set_fragment(Some(&format!("invitation_token={token}")));
    }
    let values = json!({
        "organisation": facts.organization, "role": facts.role, "email": facts.email, "token": token,
        "onward": onward.as_ref().map(Url::as_str), "host": onward.as_ref().and_then(Url::host_str),
    });
    View::new("invitation_link", values, origin)
}

/// Says what to do where a link does not work.
pub(crate) fn dead_invitation(
    config: &WebConfig,
    problem: Problem,
    target: Option<&str>,
    origin: &Origin,
) -> View {
    let back = application(config, target);
    View::new("invitation_link", json!({"onward": back.as_ref().map(Url::as_str)}), origin).refused(problem)
}

/// Where the person goes from here: to the wished target, or to the site, unless that is this very server.
fn application(config: &WebConfig, target: Option<&str>) -> Option<Url> {
    let allowed = target.and_then(|target| config.allowed_redirect(target));
    allowed.or_else(|| Some(config.site_url.clone()).filter(|site| *site != config.public_url))
}
