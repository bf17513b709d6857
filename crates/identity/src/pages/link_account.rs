//! The page before an account at a provider is linked: whose account it will be, and a button.

use quoin_kernel::Secret;
use quoin_web::csrf::{self, FormToken};
use quoin_web::page::{Html, Page};

use crate::Identity;
use crate::service::TicketHolder;

/// Shows whose account will be linked. Whoever was led here by somebody else sees that it is not theirs.
pub(crate) fn link_account(
    identity: &Identity,
    holder: &TicketHolder,
    ticket: &Secret<String>,
    form: FormToken,
) -> Page {
    let action = identity.app().config().link("/auth/v1/authorize");
    let body = Html::new()
        .raw("<main class=\"card\"><h1>Link an account</h1><p>Your account at ")
        .text(&holder.provider.name)
        .raw(" will open the account of <strong>")
        .text(&holder.user.account())
        .raw("</strong> here. Go on only if that is you.</p><form method=\"post\" action=\"")
        .text(action.path())
        .raw("\">")
        .hidden("ticket", ticket.expose())
        .hidden(csrf::FIELD, &form.field)
        .raw("<button type=\"submit\">Go on to ")
        .text(&holder.provider.name)
        .raw("</button></form></main>");
    Page::new("Link an account", body).form_may_reach(&holder.authorization_endpoint).cookie(form.set_cookie)
}
