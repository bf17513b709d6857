//! The account's rule of dunning, and the clock of those who name none.

use http::HeaderMap;
use quoin_web::{Ctx, Response, State, Unidentified, ValidBytes};
use serde_json::json;

use super::super::check_site;
use super::{done, json_or_page, read};
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
    let set = async {
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
        Ok(done(&twin, &headers, &document, ""))
    };
    json_or_page(&headers, set.await)
}

/// Sets the test clock on which customers live that are made without one: so a program that knows nothing of clocks can be
/// taken through a year. Empty for the real one.
pub(super) async fn clock(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let set = async {
        check_site(&twin, &headers)?;
        let clock = read(&headers, &body)?.or_empty("test_clock");
        let document = json!({"test_clock": clock});
        twin.change("stripe_twin.clock.set", move |desk| test_clock::set_default(desk, &clock)).await?;
        Ok(done(&twin, &headers, &document, ""))
    };
    json_or_page(&headers, set.await)
}
