//! A small room for this crate's own tests.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::IntoResponse;
use quoin_kernel::{OrgId, Problem, Secret, permission};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rate_limit::IpLimit;
use crate::testing::TestApp;
use crate::*;

/// The toy's state.
#[derive(Clone)]
pub(crate) struct Toy {
    pub(crate) app: App,
    pub(crate) made: Arc<AtomicU32>,
}

impl FromRef<Toy> for App {
    fn from_ref(toy: &Toy) -> Self {
        toy.app.clone()
    }
}

/// Makes a thing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MakeThingIn {
    /// What it is called.
    name: String,
    /// How many.
    count: Option<u8>,
    /// Its parts.
    parts: Option<Vec<PartIn>>,
    /// Opens it.
    password: Option<Secret<String>>,
    /// Anything.
    extra: Option<serde_json::Value>,
}

/// A part of a thing.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PartIn {
    /// Its size.
    size: f64,
}

/// A thing.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ThingOut {
    /// Its number, from 1.
    number: u32,
    /// What it is called.
    name: String,
}

/// Which things are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ThingsIn {
    /// How many.
    limit: Option<u32>,
    /// Which page.
    cursor: Option<String>,
}

pub(crate) fn toy(test: &TestApp) -> Toy {
    Toy { app: test.app.clone(), made: Arc::default() }
}

pub(crate) fn routes(toy: &Toy) -> Routes {
    let limit = IpLimit::new(NonZeroU32::MIN.saturating_add(2), Duration::from_mins(1));
    Routes::new(toy.clone())
        .add(
            Operation::post("/toy/v1/things", "toy.things.make")
                .summary("Makes a thing.")
                .description("Things are numbered in the order in which they are made.")
                .caller(Who::Anyone)
                .takes::<MakeThingIn>()
                .gives::<ThingOut>(201)
                .alias("/things")
                .body_limit(4096)
                .idempotent(),
            make,
        )
        .add(
            Operation::get("/toy/v1/things", "toy.things.list").caller(Who::User).query::<ThingsIn>(),
            async |_: Ctx<User>, ValidQuery(query): ValidQuery<ThingsIn>| {
                format!("{:?} {:?}", query.limit, query.cursor)
            },
        )
        .add(Operation::post("/toy/v1/form", "toy.form.send").takes_form::<PartIn>(), form)
        .add(
            Operation::get("/toy/v1/orgs/{org_id}", "toy.orgs.member").caller(Who::Member),
            async |ctx: Ctx<Member>| format!("{} {}", ctx.who.org_id, ctx.who.standing.name()),
        )
        .add(
            Operation::get("/toy/v1/orgs/{org_id}/admin", "toy.orgs.admin").caller(Who::Admin),
            async |_: Ctx<Admin>| (),
        )
        .add(
            Operation::get("/toy/v1/orgs/{org_id}/billing", "toy.orgs.billing")
                .caller(Who::Permitted(permission::BILLING_MANAGE)),
            async |ctx: Ctx<Permitted<ManageBilling>>| ctx.who.standing.name().to_owned(),
        )
        .add(Operation::get("/toy/v1/active", "toy.active").caller(Who::Member), async |ctx: Ctx<Member>| {
            ctx.who.org_id.to_string()
        })
        .add(
            Operation::get("/toy/v1/level", "toy.level").caller(Who::UserAtAnyLevel),
            async |_: Ctx<UserAtAnyLevel>| (),
        )
        .add(Operation::get("/toy/v1/key", "toy.key").caller(Who::SecretKey), async |_: Ctx<SecretKey>| ())
        .add(
            Operation::get("/toy/v1/one/{one_id}", "toy.one").param("one_id", "Any organisation."),
            async |_: Ctx<Unidentified>, ValidPath(one): ValidPath<OrgId>| one.to_string(),
        )
        .add(Operation::get("/toy/v1/panic", "toy.panic").undocumented(), panic)
        .add(Operation::get("/toy/v1/fault", "toy.fault").undocumented(), fault)
        .add(
            Operation::get("/toy/v1/slow", "toy.slow").undocumented().timeout(Duration::from_millis(1500)),
            slow,
        )
        .add(
            Operation::get("/toy/v1/limited", "toy.limited").undocumented().limit_per_ip(limit),
            async |_: Ctx<Unidentified>| (),
        )
        .done()
}

async fn make(
    _: Ctx<Anyone>,
    State(toy): State<Toy>,
    ValidJson(input): ValidJson<MakeThingIn>,
) -> Result<impl IntoResponse, Refusal> {
    assert!(input.name != "broken", "the toy is broken: {}", input.name);
    if input.name == "refused" {
        return Err(Problem::new(409, "thing_refused", "No such thing is wanted").into());
    }
    let size: f64 = input.parts.iter().flatten().map(|part| part.size).sum();
    let secret = input.password.map(|password| password.expose().len());
    tracing::debug!(count = input.count, size, secret, extra = ?input.extra, "making");
    tokio::task::yield_now().await;
    let number = toy.made.fetch_add(1, Ordering::SeqCst) + 1;
    Ok((StatusCode::CREATED, Json(ThingOut { number, name: input.name })))
}

async fn form(_: Ctx<Unidentified>, ValidBody(part): ValidBody<PartIn>) -> String {
    part.size.to_string()
}

async fn panic(_: Ctx<Unidentified>) -> StatusCode {
    panic!("the toy is broken: sesame");
}

async fn fault(_: Ctx<Unidentified>) -> Result<(), Refusal> {
    Err(Problem::internal("the inner cause: sesame").into())
}

async fn slow(_: Ctx<Unidentified>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(700)).await;
    "slow"
}
