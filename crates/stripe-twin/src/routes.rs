//! The twin's doors.

use std::time::Duration;

use quoin_web::{Operation, Routes};

use crate::StripeTwin;
use crate::api::serve::serve;
use crate::pages;

/// Calls may hang on purpose, for as long as the chaos knob says.
const PATIENCE: Duration = Duration::from_secs(620);

/// Returns `/v1/…` and `/_twin`. They are no part of Quoin's own document: Stripe's describes them.
pub(crate) fn routes(twin: &StripeTwin) -> Routes {
    let api = [
        Operation::get("/v1/{*path}", "stripe_twin.api.get"),
        Operation::post("/v1/{*path}", "stripe_twin.api.post"),
        Operation::delete("/v1/{*path}", "stripe_twin.api.delete"),
    ];
    let routes = Routes::new(twin.clone());
    let routes = api
        .into_iter()
        .fold(routes, |routes, operation| routes.add(operation.undocumented().timeout(PATIENCE), serve));
    pages::add(routes).done()
}
