//! The pages that a mailed link leads to: the button that uses it, and what to do where it does not work.

mod link_account;
mod sign_in_by_mail;

use quoin_kernel::Problem;
use quoin_web::StatusCode;
use quoin_web::csrf::{self, FormToken};
use quoin_web::page::{Html, Page};

use crate::Identity;
use crate::model::Purpose;

pub(crate) use link_account::link_account;
pub(crate) use sign_in_by_mail::{ask_for_link, check_your_mail};

/// What the form sends back.
pub(crate) struct LinkForm<'a> {
    /// The link's token.
    pub(crate) token: &'a str,
    /// The `type` that the link carries.
    pub(crate) kind: &'a str,
    /// Where the person wants to land.
    pub(crate) target: Option<&'a str>,
}

/// Shows the button that uses a link. Nothing has been consumed.
pub(crate) fn use_link(identity: &Identity, purpose: Purpose, link: &LinkForm<'_>, form: FormToken) -> Page {
    let config = identity.app().config();
    let landing = config.redirect_or_site(link.target);
    let (title, text, button) = words(purpose);
    let action = config.link("/auth/v1/verify");
    let mut fields = Html::new()
        .hidden("token_hash", link.token)
        .hidden("type", link.kind)
        .hidden(csrf::FIELD, &form.field);
    if let Some(target) = link.target.and_then(|target| config.allowed_redirect(target)) {
        fields = fields.hidden("redirect_to", target.as_str());
    }
    let body = Html::new()
        .raw("<main class=\"card\"><h1>")
        .text(title)
        .raw("</h1><p>")
        .text(text)
        .raw("</p><form method=\"post\" action=\"")
        .text(action.path())
        .raw("\">")
        .html(&fields)
        .raw("<button type=\"submit\">")
        .text(button)
        .raw("</button></form><p class=\"soft\">You will be taken to ")
        .text(landing.host_str().unwrap_or_default())
        .raw(".</p></main>");
    Page::new(title, body).form_may_reach(&landing).cookie(form.set_cookie)
}

/// Says what to do where a link does not work: ask for another one, or go back to the application.
pub(crate) fn dead_link(identity: &Identity, problem: &Problem, target: Option<&str>) -> Page {
    let config = identity.app().config();
    let back = config.redirect_or_site(target);
    let mut another = config.link("/auth/v1/magiclink");
    if let Some(target) = target.and_then(|target| config.allowed_redirect(target)) {
        another.query_pairs_mut().append_pair("redirect_to", target.as_str());
    }
    let body = Html::new()
        .raw("<main class=\"card\"><h1>")
        .text(problem.title())
        .raw("</h1><p>")
        .text(problem.message())
        .raw(
            "</p><p class=\"soft\">Links work once and for a few minutes, and only the newest one of a kind does.</p>\
             <p><a class=\"button\" href=\"",
        )
        .text(another.as_str())
        .raw("\">Mail me a link to sign in</a></p><p><a href=\"")
        .text(back.as_str())
        .raw("\">Go back</a></p></main>");
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::BAD_REQUEST);
    Page::new(problem.title(), body).status(status)
}

/// Returns title, text and button for what a link is for.
const fn words(purpose: Purpose) -> (&'static str, &'static str, &'static str) {
    match purpose {
        Purpose::Signup => {
            ("Confirm your address", "One click, and your account is ready to use.", "Confirm my address")
        }
        Purpose::Invite => {
            ("Accept the invitation", "One click, and your account is ready to use.", "Accept the invitation")
        }
        Purpose::Recovery => {
            ("Recover your account", "Continue to sign in and choose a new password.", "Continue")
        }
        Purpose::Magiclink | Purpose::Reauthentication => {
            ("Sign in", "Continue to sign in on this device.", "Sign in")
        }
        Purpose::EmailChangeCurrent | Purpose::EmailChangeNew => (
            "Confirm the change of address",
            "The change takes effect once both the old and the new address have agreed.",
            "Agree to the change",
        ),
    }
}
