//! The operations of `/payments/v1`.

mod administration;
mod callers;
mod coupons;
mod credit_notes;
mod invoices;
mod out;
mod plans;
mod purchase;
mod subscriptions;
mod transfers;
mod usage;
mod webhooks;

use quoin_web::Routes;

use crate::Payments;

/// Declares this room's operations.
pub(crate) fn routes(payments: Payments) -> Routes {
    let routes = Routes::new(payments);
    let routes = plans::add(routes);
    let routes = purchase::add(routes);
    let routes = subscriptions::add(routes);
    let routes = invoices::add(routes);
    let routes = credit_notes::add(routes);
    let routes = usage::add(routes);
    let routes = coupons::add(routes);
    let routes = administration::add(routes);
    let routes = transfers::add(routes);
    webhooks::add(routes).done()
}
