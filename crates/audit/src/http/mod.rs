//! The platform's view of the trail; `identity` and `tenancy` serve the other two.

use quoin_kernel::page::Listed;
use quoin_web::{App, Ctx, Json, Operation, PlatformKey, Refusal, Routes, ValidQuery, Who};

use crate::model::FilterIn;
use crate::service::{self, Recorded};

/// Declares this room's operations.
pub(crate) fn routes(app: App) -> Routes {
    Routes::new(app)
        .add(
            Operation::get("/admin/v1/audit", "audit.entries.list")
                .summary("Lists the audit trail of the whole platform, newest first.")
                .caller(Who::PlatformKey)
                .query::<FilterIn>()
                .gives::<Listed<Recorded>>(200),
            list,
        )
        .done()
}

async fn list(
    ctx: Ctx<PlatformKey>,
    ValidQuery(filter): ValidQuery<FilterIn>,
) -> Result<Json<Listed<Recorded>>, Refusal> {
    ctx.who.demand("audit")?;
    Ok(Json(service::list(ctx.db().system(), filter.check()?).await?))
}
