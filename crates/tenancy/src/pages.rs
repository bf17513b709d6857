//! The page behind an invitation's link: it says who invites and what to do, and consumes nothing.

use quoin_kernel::Problem;
use quoin_web::page::{Html, Page};
use quoin_web::{StatusCode, WebConfig};

use crate::service::InvitationFacts;

/// Says who invites whom to what, and leads to the application, which accepts in the name of whoever signs in there.
///
/// The token goes along in the fragment, which browsers send to no server.
pub(crate) fn invitation(
    config: &WebConfig,
    facts: &InvitationFacts,
    token: &str,
    target: Option<&str>,
) -> Page {
    let mut onward = config.redirect_or_site(target);
    onward.set_fragment(Some(&format!("invitation_token={token}")));
    let title = format!("Join {}", facts.organization);
    let body = Html::new()
        .raw("<main class=\"card\"><h1>")
        .text(&title)
        .raw("</h1><p>You are invited to join <strong>")
        .text(&facts.organization)
        .raw("</strong> as <strong>")
        .text(&facts.role)
        .raw("</strong>.</p><p>Continue and sign in as <strong>")
        .text(facts.email.as_str())
        .raw(
            "</strong>, or sign up with that address if you have no account yet, and then accept. Nobody with another \
             address can accept this invitation.</p><p><a class=\"button\" href=\"",
        )
        .text(onward.as_str())
        .raw("\">Continue</a></p><p class=\"soft\">You will be taken to ")
        .text(onward.host_str().unwrap_or_default())
        .raw(". If you did not expect this, close the page: nothing happens.</p></main>");
    Page::new(title, body)
}

/// Says what to do where a link does not work.
pub(crate) fn dead_invitation(config: &WebConfig, problem: &Problem, target: Option<&str>) -> Page {
    let back = config.redirect_or_site(target);
    let body = Html::new()
        .raw("<main class=\"card\"><h1>This invitation does not work</h1><p>")
        .text(problem.message())
        .raw(
            "</p><p class=\"soft\">If you have accepted it already, just sign in. Only the newest mail of an invitation \
             works.</p><p><a class=\"button\" href=\"",
        )
        .text(back.as_str())
        .raw("\">Go to the application</a></p></main>");
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::FORBIDDEN);
    Page::new("This invitation does not work", body).status(status)
}
