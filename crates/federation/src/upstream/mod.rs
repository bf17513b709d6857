//! Providers that keep people and their passwords: the port `UserStore` over Keycloak, Cognito and Auth0.
//!
//! Each adapter builds requests and reads answers by pure functions, tested on the shapes that the provider documents, and
//! sends them through the one guarded way out. Who somebody is comes from a verified ID token; an administrator's look at an
//! account only says whose factor is owed, and whether the account may be used.
//!
//! Reading order: `way` (one request, one answer), `tokens` (ID tokens), `administrator` (access as one), then each provider.

mod administrator;
mod auth0;
mod cognito;
mod keycloak;
mod tokens;
mod way;

pub use auth0::Auth0;
pub use cognito::Cognito;
pub use keycloak::Keycloak;
