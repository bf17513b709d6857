//! The two pages before a mailed link: enter the address, and look into the mailbox.

use quoin_kernel::EmailAddress;
use quoin_web::csrf::{self, FormToken};
use quoin_web::page::{Html, Page};

use crate::Identity;
use crate::model::CodeChallenge;
use crate::service::LinkWishes;

/// Asks for the address that a link is mailed to; `key` says among whose people it is looked up.
pub(crate) fn ask_for_link(
    identity: &Identity,
    wishes: &LinkWishes,
    key: Option<&str>,
    form: FormToken,
) -> Page {
    let title = "Sign in by mail";
    let body = Html::new()
        .raw("<main class=\"card\"><h1>Sign in by mail</h1><p>Enter your address. A mail with a link and a code will \
              follow; no password is needed.</p>")
        .html(&form_to(identity, "/auth/v1/magiclink", key))
        .html(&wished(identity, wishes))
        .hidden(csrf::FIELD, &form.field)
        .raw(
            "<label for=\"email\">E-mail address</label><input id=\"email\" name=\"email\" type=\"email\" required \
             autofocus autocomplete=\"email\" maxlength=\"254\"><p><button type=\"submit\">Mail me a link</button></p>\
             </form></main>",
        );
    Page::new(title, body).cookie(form.set_cookie)
}

/// Says that a mail is on its way, whether or not it is, and takes the code that it holds.
pub(crate) fn check_your_mail(
    identity: &Identity,
    (email, key): (&EmailAddress, Option<&str>),
    wishes: &LinkWishes,
    form: FormToken,
) -> Page {
    let landing = identity.app().config().redirect_or_site(wishes.redirect_to.as_deref());
    let minutes = identity.config().link_s.div_ceil(60).to_string();
    let body = Html::new()
        .raw("<main class=\"card\"><h1>Check your mail</h1><p>If ")
        .text(email.as_str())
        .raw(" may sign in here, a mail is on its way. Open its link on this device, or enter its code here. Both work \
              once, for ")
        .text(&minutes)
        .raw(" minutes.</p>")
        .html(&form_to(identity, "/auth/v1/verify", key))
        .html(&wished(identity, &LinkWishes { challenge: None, ..wishes.clone() }))
        .hidden(csrf::FIELD, &form.field)
        .hidden("type", "email")
        .hidden("email", email.as_str())
        .raw(
            "<label for=\"token\">Code</label><input id=\"token\" name=\"token\" inputmode=\"numeric\" required \
             autocomplete=\"one-time-code\" minlength=\"8\" maxlength=\"8\"><p><button type=\"submit\">Sign in</button>\
             </p></form><p class=\"soft\">Nothing arrives? Look among unwanted mails, or <a href=\"",
        )
        .text(&about(identity, "/auth/v1/magiclink", key))
        .raw("\">ask again</a>.</p></main>");
    Page::new("Check your mail", body).form_may_reach(&landing).cookie(form.set_cookie)
}

fn form_to(identity: &Identity, path: &str, key: Option<&str>) -> Html {
    Html::new().raw("<form method=\"post\" action=\"").text(&about(identity, path, key)).raw("\">")
}

/// Writes the address of a page that is about the people whom a key names.
fn about(identity: &Identity, path: &str, key: Option<&str>) -> String {
    let mut url = identity.app().config().link(path);
    if let Some(key) = key {
        url.query_pairs_mut().append_pair("apikey", key);
    }
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Carries on where the person shall land, if it is allowed, and the challenge of the browser that asks.
fn wished(identity: &Identity, wishes: &LinkWishes) -> Html {
    let config = identity.app().config();
    let mut fields = Html::new();
    if let Some(target) = wishes.redirect_to.as_deref().and_then(|target| config.allowed_redirect(target)) {
        fields = fields.hidden("redirect_to", target.as_str());
    }
    if let Some(challenge) = wishes.challenge.as_ref().map(CodeChallenge::as_str) {
        fields = fields.hidden("code_challenge", challenge).hidden("code_challenge_method", "s256");
    }
    fields
}
