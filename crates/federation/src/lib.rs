//! Who somebody is elsewhere: the port `OpenId` of `identity`, over the `openidconnect` crate.
//!
//! An outbuilding: JOSE with every algorithm that providers use is compiled here and nowhere else. Everything goes through
//! the one guarded outbound client, without redirects and with limits of time and size. What providers publish is kept for
//! an hour; their keys are read again when a token names an unknown one, at most every ten seconds.
//!
//! Reading order: `providers` (the port), `token` (every check of an ID token), `published` (configuration and keys),
//! `fetch` (the way out), `records` (DNS, which proves domains), `upstream` (the port `UserStore`:
//! providers that keep people and their passwords). `tests/` plays a provider and mutates it as the conformance suite for clients does.

mod fetch;
mod providers;
mod published;
mod records;
#[cfg(test)]
mod tests;
mod token;
mod upstream;

pub use fetch::{CannotFetch, Fetch};
pub use providers::{Guests, Providers};
pub use records::NameServers;
pub use upstream::{Auth0, Cognito, Keycloak};
