//! Everything between the socket and a domain's handler, so that domains hold no HTTP of their own making.
//!
//! A request passes the accept loop ([`listen`]), then the [`front`], which in one pass gives it an id, keeps the limits,
//! answers preflights, writes the one error body and the one log line; then axum's router, and around the handler the
//! limits of its [`Operation`]. The handler's first parameter is a [`Ctx`], whose doorkeeper says in its type who may
//! come in; it does not compile without one.
//!
//! Reading order: [`app`] and [`config`], [`context`] and [`doorkeeper`], [`input`], [`refusal`], [`route`], [`front`],
//! [`listen`]; the rest stands alone.
//!
//! What is absent: rules of any domain, and SQL beyond this room's two small tables.

pub mod app;
pub mod calls;
pub mod config;
pub mod context;
pub mod cookies;
pub mod credential;
pub mod csrf;
mod docs;
pub mod doorkeeper;
pub mod entitlements;
mod evenly;
pub mod front;
pub mod health;
mod idempotency;
pub mod input;
mod json;
pub mod listen;
pub mod metrics;
pub mod module;
mod openapi;
pub mod outbound;
pub mod page;
pub mod panics;
mod params;
mod purge;
pub mod rate_limit;
pub mod refusal;
pub mod request;
pub mod route;
mod system;
pub mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
#[path = "tests/toy.rs"]
mod toy;
pub mod view;

pub use app::{App, AppParts, Ports};
pub use config::{Mode, WebConfig};
pub use context::{Ctx, Guarded};
pub use doorkeeper::{
    Admin, Anyone, Doorkeeper, ManageBilling, ManageMembers, ManageRoles, ManageSettings, Member, Owner,
    Permission, Permitted, PlatformKey, ReadAudit, SecretKey, Unidentified, User, UserAtAnyLevel, Who,
};
pub use evenly::{evenly, refused_evenly};
pub use front::Front;
pub use input::{ValidBody, ValidBytes, ValidJson, ValidPath, ValidQuery, problem_of_body};
pub use json::Json;
pub use module::{ExposedView, LogicalType, Module};
pub use purge::{MIGRATIONS, STATEMENTS, module};
pub use refusal::Refusal;
pub use route::{Operation, Routes, RoutesFor};
pub use view::View;

// What handlers name in their signatures, so that rooms need not depend on axum themselves.

pub use axum::body::Body;
pub use axum::extract::{FromRef, Request, State};
pub use axum::response::{IntoResponse, Redirect, Response};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
