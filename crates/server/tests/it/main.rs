//! The one integration binary: a whole instance in process, on each engine.

#![allow(
    clippy::unwrap_used,
    reason = "the whole crate is a test; lints know only its test functions as such"
)]

mod attacks;
mod catalogue;
mod conformance;
mod entitlements;
mod lifecycle;
mod organisations;
mod page_doors;
mod pages;
mod passkeys;
mod people;
mod realms;
mod revocations;
mod signed_urls;
