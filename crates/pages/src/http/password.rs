//! Changing the password, which needs the present one.

use quoin_identity::service::{self, UserChanges};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::{form, security};
use crate::Pages;
use crate::browser_session::account;
use crate::visit::{Fields, Sent, Visit};

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes.add(form("/account/password", "pages.password.submit"), submit)
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = change(&mut visit, &fields).await;
    visit.answer(done)
}

async fn change(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account(visit).await?;
    // Where there is no password yet, the sign-in must be recent instead.
    let current_password = Some(fields.secret("current_password")).filter(|_| user.password_hash.is_some());
    let password = Some(fields.secret("password"));
    let changes = UserChanges { password, current_password, ..UserChanges::default() };
    match service::update_user(visit.pages.identity(), &person, changes, &visit.origin).await {
        Ok(_) => Ok(security::done(visit, "password")),
        Err(problem) => security::refuse(visit, &user, problem),
    }
}
