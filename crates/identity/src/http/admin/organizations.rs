//! `POST /admin/v1/orgs`: an organisation for a customer, with its owner and the key that names it.

use quoin_kernel::{EmailAddress, OrgId, Problem};
use quoin_tenancy::OrgName;
use quoin_web::{
    Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, ValidQuery, Who,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::link_query::RedirectQuery;
use super::super::out::UserOut;
use super::users;
use crate::Identity;
use crate::service::{self, Foundation, Founded};

/// The scope that this needs, beside that for accounts.
const SCOPE: &str = "orgs";

/// What to found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FoundIn {
    /// The name, 1 to 100 characters.
    name: String,
    /// The address of whoever will own it.
    owner_email: EmailAddress,
}

/// An organisation that was founded.
#[derive(Debug, Serialize, JsonSchema)]
struct FoundedOut {
    /// The organisation.
    id: OrgId,
    /// What it is called.
    name: String,
    /// Its owner.
    owner: UserOut,
    /// The key that names it; it goes into the customer's application and is never shown again.
    publishable_key: String,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes.add(
        Operation::post("/admin/v1/orgs", "identity.orgs.found")
            .summary("Founds an organisation for a customer: with its owner, who gets a mail, and the key that names it.")
            .description(
                "Where people belong to one organisation each, the owner is the first of its people. Needs the scopes \
                 `orgs` and `users`.",
            )
            .caller(Who::PlatformKey)
            .query::<RedirectQuery>()
            .takes::<FoundIn>()
            .gives::<FoundedOut>(201)
            .idempotent(),
        found,
    )
}

async fn found(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<RedirectQuery>,
    ValidJson(input): ValidJson<FoundIn>,
) -> Result<(StatusCode, Json<FoundedOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    ctx.who.demand(users::SCOPE)?;
    let name = OrgName::new(&input.name).ok_or_else(|| {
        let rule = "must have 1 to 100 characters, none of them invisible";
        Problem::invalid(format!("name {rule}.")).field("name", rule)
    })?;
    let wish = Foundation { name, owner: input.owner_email, wishes: query.wishes(None, None)? };
    let founded = service::found_organization(&identity, wish, &ctx.who.key, &ctx.origin).await?;
    Ok((StatusCode::CREATED, Json(founded.into())))
}

impl From<Founded> for FoundedOut {
    fn from(founded: Founded) -> Self {
        Self {
            id: founded.org_id,
            name: founded.name.as_str().to_owned(),
            owner: founded.owner.into(),
            publishable_key: founded.publishable_key.expose().clone(),
        }
    }
}
