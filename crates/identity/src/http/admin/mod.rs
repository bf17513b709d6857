//! `/auth/v1/admin` and `invite`: what administrators do with people.

mod audit;
mod factors;
mod links;
mod organizations;
mod transfer;
mod users;
mod verification_tokens;

use quoin_web::RoutesFor;

use crate::Identity;

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    let routes = transfer::add(audit::add(links::add(factors::add(users::add(routes)))));
    verification_tokens::add(organizations::add(routes))
}
