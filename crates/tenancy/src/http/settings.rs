//! Metadata and policy of an organisation.

use quoin_kernel::{UserId, permission};
use quoin_web::{
    Ctx, Json, ManageSettings, Member, Operation, Owner, Permitted, Refusal, RoutesFor, State, ValidJson, Who,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry;
use crate::model::{PolicySettings, PolicyWish};
use crate::{Tenancy, service};

/// What to demand; what is left out is not demanded.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "switches that owners set one by one")]
struct PolicyIn {
    /// Whether members must show a second factor before they act for the organisation.
    mfa_required: bool,
    /// Seconds after which members must sign in again to act for it, 300 to 31536000.
    session_lifetime_s: Option<i64>,
    /// Whether the organisation's own provider is the only way in; somebody must have come through it before.
    sso_required: bool,
    /// Seconds until it is, 0 to 7776000; what was set before stays where it is left out, at once at first.
    sso_grace_s: Option<i64>,
    /// The owner for whom other ways stay open; the caller where it is left out.
    break_glass: Option<UserId>,
    /// Whether whoever has proved an address of a proved domain joins by themselves at sign-in.
    auto_join: bool,
    /// Whether only somebody who is invited can make an account, where people belong to one organisation each.
    invited_only: bool,
}

impl From<PolicyIn> for PolicyWish {
    fn from(input: PolicyIn) -> Self {
        Self {
            mfa_required: input.mfa_required,
            session_lifetime_s: input.session_lifetime_s,
            sso_required: input.sso_required,
            sso_grace_s: input.sso_grace_s,
            break_glass: input.break_glass,
            auto_join: input.auto_join,
            invited_only: input.invited_only,
        }
    }
}

/// Adds the operations on settings.
pub(super) fn add(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::put("/orgs/v1/orgs/{org_id}/metadata", "tenancy.metadata.put")
                .summary("Replaces the metadata, which becomes claims of members' tokens.")
                .description(
                    "2048 bytes of JSON at most. Names that are Quoin's (`sub`, `role`, `org_…` and the like) are kept and \
                     never said. `GET /orgs/v1/orgs/{org_id}` shows it.",
                )
                .caller(Who::Permitted(permission::SETTINGS_MANAGE))
                .takes::<Map<String, Value>>()
                .gives::<Map<String, Value>>(200),
            put_metadata,
        )
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/policy", "tenancy.policy.get")
                .summary("Reads what the organisation demands of its members' sessions.")
                .caller(Who::Member)
                .gives::<PolicySettings>(200),
            get_policy,
        )
        .add(
            Operation::put("/orgs/v1/orgs/{org_id}/policy", "tenancy.policy.put")
                .summary("Replaces what the organisation demands of its members' sessions.")
                .description(
                    "What is left out is not demanded. A stricter policy holds from the next request on. Whoever demands a \
                     second factor must have shown one.",
                )
                .caller(Who::Owner)
                .takes::<PolicyIn>()
                .gives::<PolicySettings>(200),
            put_policy,
        )
}

async fn put_metadata(
    ctx: Ctx<Permitted<ManageSettings>>,
    ValidJson(metadata): ValidJson<Map<String, Value>>,
) -> Result<Json<Map<String, Value>>, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    let entry = entry(&ctx, by.1, "tenancy.metadata.changed");
    Ok(Json(service::set_metadata(ctx.db().system(), by, metadata, ctx.now(), entry).await?))
}

async fn get_policy(ctx: Ctx<Member>) -> Result<Json<PolicySettings>, Refusal> {
    Ok(Json(service::get_policy(ctx.db().system(), ctx.who.org_id).await?))
}

async fn put_policy(
    ctx: Ctx<Owner>,
    State(tenancy): State<Tenancy>,
    ValidJson(input): ValidJson<PolicyIn>,
) -> Result<Json<PolicySettings>, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id, ctx.who.user.aal);
    let entry = entry(&ctx, by.1, "tenancy.policy.changed");
    Ok(Json(service::set_policy(&tenancy, by, input.into(), ctx.now(), entry).await?))
}
