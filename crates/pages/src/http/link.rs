//! Signing in by mail: asking for a link and a code, and typing the code.

use minijinja::context;
use quoin_identity::model::Purpose;
use quoin_identity::service::{self, Delivery, LinkProof, MagicLinkRequest, ResendType, Verified};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};
use serde_json::{Map, Value};

use super::sign_in::ways_in;
use super::{form, own_form, page};
use crate::Pages;
use crate::browser_session::enter;
use crate::visit::{Fields, Opened, Sent, Visit};

pub(super) const TEMPLATE: &str = "link.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/sign-in/link", "pages.link.show"), show)
        .add(form("/sign-in/link", "pages.link.submit"), submit)
        .add(form("/sign-in/code", "pages.code.submit"), submit_code)
        .add(form("/sign-in/resend", "pages.link.resend"), resend)
}

/// Says where the form that asks for a link is sent.
pub(super) fn form_to_send() -> minijinja::Value {
    context! { own_form => own_form("/sign-in/link", &[]) }
}

async fn show(_: Ctx<Unidentified>, Opened { visit, .. }: Opened) -> Response {
    let shown = ways_in(&visit, None).await.and_then(|ways| visit.show(TEMPLATE, ways));
    visit.answer(shown)
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = request(&mut visit, &fields).await;
    visit.answer(done)
}

async fn request(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let mut data = Map::new();
    data.insert("locale".to_owned(), Value::from(visit.language.tag()));
    let sent = match fields.email() {
        Ok(email) => {
            let wish = MagicLinkRequest { email, create_user: true, data, wishes: visit.link_wishes() };
            service::request_magic_link(visit.pages.identity(), wish, &visit.origin).await
        }
        Err(problem) => Err(problem),
    };
    match sent {
        Ok(()) => check_mail(visit, fields, "email", None),
        Err(problem) => visit.refuse(TEMPLATE, problem, ways_in(visit, fields.get("email")).await?),
    }
}

/// Says that a mail is on its way, whether or not it is, and takes the code that it holds.
pub(super) fn check_mail(
    visit: &Visit,
    fields: &Fields,
    kind: &str,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let minutes = visit.pages.identity().config().link_s.div_ceil(60);
    let email = fields.get("email").unwrap_or_default();
    let own_form = own_form("/sign-in/code", &[("email", email), ("type", kind)]);
    let values = context! { email, kind, minutes, code_name => "code", own_form };
    match problem {
        Some(problem) => visit.refuse("check_mail.html", problem, values),
        None => visit.show("check_mail.html", values),
    }
}

async fn submit_code(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = use_code(&mut visit, &fields).await;
    visit.answer(done)
}

async fn use_code(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let kind = match fields.get("type") {
        Some("signup") => "signup",
        Some("recovery") => "recovery",
        _ => "email",
    };
    let verified = match fields.email() {
        Ok(email) => {
            let proof = LinkProof::Code { email, code: fields.secret("code") };
            service::verify_link(visit.pages.identity(), proof, kind, Delivery::Body, &visit.origin).await
        }
        Err(problem) => Err(problem),
    };
    match verified {
        Ok(verified) => arrive(visit, verified).await,
        Err(problem) => check_mail(visit, fields, kind, Some(problem)),
    }
}

/// Goes on with what a link or code has opened: after a recovery the person chooses a new password first.
pub(super) async fn arrive(visit: &mut Visit, verified: Verified) -> Result<Response, Problem> {
    match verified {
        Verified::Session(issued, purpose) => {
            if purpose == Purpose::Recovery {
                visit.next = Some("password".to_owned());
            }
            enter(visit, *issued).await
        }
        Verified::SignedIn(issued) => enter(visit, *issued).await,
        Verified::OneOfTwo => visit.show("other_address.html", context! {}),
        Verified::Code(_) => Err(Problem::internal("a code was made for a page")),
    }
}

async fn resend(_: Ctx<Unidentified>, Sent { visit, fields }: Sent) -> Response {
    let done = send_again(&visit, &fields).await;
    visit.answer(done)
}

async fn send_again(visit: &Visit, fields: &Fields) -> Result<Response, Problem> {
    let wish = (ResendType::Signup, fields.email()?);
    let sent = service::resend_link(visit.pages.identity(), wish, visit.link_wishes(), &visit.origin).await;
    check_mail(visit, fields, "signup", sent.err())
}
