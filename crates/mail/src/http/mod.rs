//! The development mailbox. In production these operations do not exist.

use quoin_kernel::EmailAddress;
use quoin_web::{App, Ctx, Json, Mode, Operation, PlatformKey, Refusal, Routes, StatusCode, ValidQuery, Who};
use serde::Deserialize;

use crate::model::CapturedMail;
use crate::service;

/// The scope that a key needs here.
const SCOPE: &str = "mailbox";

/// Which mails to list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListIn {
    /// Only mails to this address.
    to: Option<EmailAddress>,
}

/// Declares this room's operations.
pub(crate) fn routes(app: &App) -> Routes {
    let routes = Routes::new(app.clone());
    if app.config().mode == Mode::Production {
        return routes.done();
    }
    routes
        .add(
            Operation::get("/admin/v1/mailbox", "mail.mailbox.list")
                .summary("Lists the mails that the development mailbox has captured, newest first.")
                .caller(Who::PlatformKey)
                .query::<ListIn>()
                .gives::<Vec<CapturedMail>>(200),
            list,
        )
        .add(
            Operation::delete("/admin/v1/mailbox", "mail.mailbox.clear")
                .summary("Empties the development mailbox.")
                .caller(Who::PlatformKey)
                .gives_nothing(204),
            clear,
        )
        .done()
}

async fn list(
    ctx: Ctx<PlatformKey>,
    ValidQuery(input): ValidQuery<ListIn>,
) -> Result<Json<Vec<CapturedMail>>, Refusal> {
    ctx.who.demand(SCOPE)?;
    Ok(Json(service::list_mailbox(ctx.db().system(), input.to).await?))
}

async fn clear(ctx: Ctx<PlatformKey>) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    service::clear_mailbox(ctx.db().system()).await?;
    Ok(StatusCode::NO_CONTENT)
}
