//! A Stripe that runs offline: stateful, with hosted pages, signed webhooks, test clocks and a chaos knob.
//!
//! Every Stripe *object* is one JSON document in Stripe's own shape, in a database file of the twin's own. A *call* is one
//! line in the catalogue of `objects`, which reads like Stripe's own: one file per object, with its shape, what its
//! calls take, and its transitions. A call is one transaction at a `desk`; each change it makes becomes an *event* in
//! that same transaction, and each event a *delivery* per endpoint, which a background task sends, signed. What happens by
//! itself (renewals, the end of trials, retries of payments) is *due* at a moment that every object knows (`due`);
//! test clocks only move the moment.
//!
//! Invariants:
//! - An invoice's total is the sum of its lines less its discounts; amounts are whole numbers of the smallest unit.
//! - What a call does not take, it refuses. Nothing is accepted and ignored in silence.
//! - The version of the API is pinned, and everything is in test mode: a live key is refused.
//! - It does not run in production, and answers no page of another site.
//!
//! Reading order: `object` and `fields` (what goes in and out), `api` (what happens around a call), `desk`,
//! `objects`, `billing` (money and time), `due`, `hooks`, `pages`, `chaos`.

#![recursion_limit = "256"]

mod api;
mod billing;
mod chaos;
mod desk;
mod due;
mod error;
mod fields;
mod form;
mod hooks;
mod ids;
mod links;
mod object;
mod objects;
mod pages;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod twin;
mod work;

pub use api::API_VERSION;
pub use hooks::sign::header as signature_header;
pub use objects::support_table;
pub use twin::{SECRET_KEY, StripeTwin};

pub(crate) use twin::DeskParts;

use quoin_db::{Migration, Statement};

/// The twin's tables, in a database of its own.
pub static MIGRATIONS: &[Migration] = quoin_db::migrations!("stripe_twin", "0001_twin");

/// Every statement of this room.
pub static STATEMENTS: &[&[&Statement]] = store::STATEMENTS;
