//! `/auth/v1/admin/audit`: the trail of this room, one of three filters over one service.

use quoin_audit::{FilterIn, Recorded};
use quoin_kernel::page::Listed;
use quoin_web::{Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, ValidQuery, Who};

use crate::Identity;

/// The scope this operation needs.
const SCOPE: &str = "audit";

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes.add(
        Operation::get("/auth/v1/admin/audit", "identity.audit.list")
            .summary("Lists what was done to and by people, newest first.")
            .description("Without an action, every action of this API.")
            .caller(Who::PlatformKey)
            .query::<FilterIn>()
            .gives::<Listed<Recorded>>(200),
        list,
    )
}

async fn list(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidQuery(filter): ValidQuery<FilterIn>,
) -> Result<Json<Listed<Recorded>>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let mut filter = filter.check()?;
    filter.action.get_or_insert_with(|| "identity.*".to_owned());
    Ok(Json(quoin_audit::list(identity.db(), filter).await?))
}
