//! The page that mailed links open. Opening it consumes nothing, however often: mail scanners open links. Its form does.

use minijinja::context;
use quoin_identity::service::{self, Delivery, LinkProof};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::link::arrive;
use super::{form, own_form, page};
use crate::Pages;
use crate::visit::{Fields, Opened, Sent, Visit};

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/confirm", "pages.confirm.show"), show)
        .add(form("/confirm", "pages.confirm.submit"), submit)
}

async fn show(_: Ctx<Unidentified>, Opened { visit, fields }: Opened) -> Response {
    let shown = peek(&visit, &fields).await;
    visit.answer(shown)
}

async fn peek(visit: &Visit, fields: &Fields) -> Result<Response, Problem> {
    let (token, kind) = (fields.get("token").unwrap_or_default(), fields.get("type").unwrap_or_default());
    match service::peek_link(visit.pages.identity(), token, kind, &visit.origin).await {
        Ok(purpose) => {
            let host =
                visit.target.as_ref().filter(|_| !visit.lands_here()).and_then(|target| target.host_str());
            let own_form = own_form("/confirm", &[("token", token), ("type", kind)]);
            visit.show("confirm.html", context! { own_form, purpose => purpose.verification_type(), host })
        }
        Err(problem) => dead_link(visit, kind, problem),
    }
}

/// Says what to do where a link does not work.
fn dead_link(visit: &Visit, kind: &str, problem: Problem) -> Result<Response, Problem> {
    let passwords = visit.pages.identity().config().passwords;
    visit.refuse("dead_link.html", problem, context! { kind, passwords })
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = use_link(&mut visit, &fields).await;
    visit.answer(done)
}

async fn use_link(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let kind = fields.get("type").unwrap_or_default();
    let proof = LinkProof::Token(fields.secret("token"));
    let identity = visit.pages.identity();
    match service::verify_link(identity, proof, kind, Delivery::Body, &visit.origin).await {
        Ok(verified) => arrive(visit, verified).await,
        Err(problem) => dead_link(visit, kind, problem),
    }
}
