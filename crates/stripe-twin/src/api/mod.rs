//! The API: a table of calls, and what happens around each.
//!
//! Reading order: [`operation`] (what a call declares), [`serve`] (door, chaos, idempotency, transaction), [`expand`] and
//! [`list`] (what every answer shares). The calls themselves are in [`crate::objects`], one file per Stripe object.

pub(crate) mod door;
pub(crate) mod expand;
pub(crate) mod list;
pub(crate) mod operation;
pub(crate) mod search;
pub(crate) mod serve;

/// The version of Stripe's API that the twin speaks: that of the npm package `stripe` 23.1.0.
pub const API_VERSION: &str = "2026-10-28.endive";
