//! The account's rule of dunning, and the clock of those who name none.

use http::HeaderMap;
use quoin_web::{Ctx, IntoResponse, Json, Response, State, Unidentified, ValidBytes};
use serde_json::json;

use super::super::{check_site, redirect};
use super::{json_or_page, read, wants_json};
use crate::StripeTwin;
use crate::error::StripeError;
use crate::objects::test_clock;
use crate::store::settings;

/// Sets what becomes of a subscription after the last attempt to collect.
pub(super) async fn dunning(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let done = async {
        check_site(&twin, &headers)?;
        let rule = read(&headers, &body)?.or_empty("after_retries");
        if !matches!(rule.as_str(), "cancel" | "unpaid" | "past_due") {
            return Err(StripeError::invalid("after_retries must be one of cancel, unpaid, past_due.")
                .param("after_retries"));
        }
        let document = json!({"after_retries": rule});
        let kept = document.clone();
        twin.change("stripe_twin.dunning.set", move |desk| Ok(settings::update(desk.tx, "dunning", &kept)?))
            .await?;
        Ok(if wants_json(&headers) {
            Json(document).into_response()
        } else {
            redirect(&twin.desk_parts().links.page(""))
        })
    };
    json_or_page(&headers, done.await)
}

/// Sets the test clock on which customers live that are made without one: so a program that knows nothing of clocks can be
/// taken through a year. Empty for the real one.
pub(super) async fn clock(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let done = async {
        check_site(&twin, &headers)?;
        let clock = read(&headers, &body)?.or_empty("test_clock");
        let document = json!({"test_clock": clock});
        twin.change("stripe_twin.clock.set", move |desk| test_clock::set_default(desk, &clock)).await?;
        Ok(if wants_json(&headers) {
            Json(document).into_response()
        } else {
            redirect(&twin.desk_parts().links.page(""))
        })
    };
    json_or_page(&headers, done.await)
}
