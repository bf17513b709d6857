//! One round of deliveries.

use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use quoin_web::outbound::{OutboundAnswer, OutboundError, OutboundRequest};
use url::Url;

use super::{pause_s, sign};
use crate::StripeTwin;
use crate::api::API_VERSION;
use crate::chaos::WRONG_SIGNATURE;
use crate::error::StripeError;
use crate::object::Object;
use crate::store::deliveries::{self, Delivery};
use crate::store::objects;

/// How many are under way at once.
const PARALLEL: usize = 16;
/// How long a claimed delivery stays out of the way: longer than any attempt takes.
const LEASE_MS: i64 = 60_000;
/// How much of an endpoint's answer is kept for the dashboard, in characters.
const ANSWER_CHARS: usize = 500;

/// A delivery with what it needs.
struct Ready {
    delivery: Delivery,
    event: Object,
    endpoint: Object,
}

/// Sends what is due; tells how many attempts that were.
pub(crate) async fn deliver_due(twin: &StripeTwin) -> Result<usize, StripeError> {
    let now_ms = twin.now_ms();
    let claimed = twin.db().write("stripe_twin.deliveries.claim", move |tx| {
        let due = deliveries::claim_due(tx, now_ms, now_ms + LEASE_MS, 64)?;
        let mut ready = Vec::new();
        for delivery in due {
            let event = objects::find(tx, &delivery.event_id)?;
            let endpoint = objects::find(tx, &delivery.endpoint_id)?;
            match event.zip(endpoint.filter(|endpoint| endpoint.status() == "enabled")) {
                Some((event, endpoint)) => ready.push(Ready { delivery, event, endpoint }),
                None => deliveries::update(tx, &Delivery { due_at_ms: None, ..delivery })?,
            }
        }
        Ok::<_, StripeError>(ready)
    });
    let claimed = claimed.await?;
    let count = claimed.len();
    let mut sent =
        stream::iter(claimed.into_iter().map(|ready| attempt(twin, ready))).buffer_unordered(PARALLEL);
    while let Some(settled) = sent.next().await {
        settle(twin, settled).await?;
    }
    Ok(count)
}

/// Returns when something is due next, in milliseconds.
pub(crate) async fn next_due_ms(twin: &StripeTwin) -> Result<Option<i64>, StripeError> {
    twin.db().read("stripe_twin.deliveries.next", |tx| Ok(deliveries::find_next_due(tx)?)).await
}

/// Makes one attempt and says how it went.
async fn attempt(twin: &StripeTwin, ready: Ready) -> Delivery {
    let Ready { delivery, event, endpoint } = ready;
    let answer = match request(twin, &delivery, &event, &endpoint) {
        Some(request) => twin.outbound().send(request).await,
        None => Err(OutboundError::Forbidden(endpoint.text("url").unwrap_or_default().to_owned())),
    };
    let attempts = delivery.attempts + 1;
    let now_ms = twin.now_ms();
    let good = answer.as_ref().is_ok_and(|answer| answer.status.is_success());
    let due_at_ms = if good { None } else { pause_s(attempts).map(|pause| now_ms + pause * 1000) };
    let (last_status, last_answer) = outcome(answer);
    Delivery {
        attempts,
        due_at_ms,
        last_status,
        last_answer: Some(last_answer),
        last_at_ms: Some(now_ms),
        ..delivery
    }
}

fn outcome(answer: Result<OutboundAnswer, OutboundError>) -> (Option<i64>, String) {
    match answer {
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body).chars().take(ANSWER_CHARS).collect();
            (Some(i64::from(answer.status.as_u16())), text)
        }
        Err(error) => (None, error.to_string()),
    }
}

fn request(
    twin: &StripeTwin,
    delivery: &Delivery,
    event: &Object,
    endpoint: &Object,
) -> Option<OutboundRequest> {
    let url: Url = endpoint.text("url")?.parse().ok()?;
    let body = event.document().to_string();
    let secret = match delivery.fault.as_deref() {
        Some(WRONG_SIGNATURE) => "whsec_this_is_not_the_secret_of_this_endpoint",
        _ => endpoint.text("_secret")?,
    };
    let signature = sign::header(&[secret], twin.now_ms() / 1000, &body);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static("Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
    );
    headers.insert(HeaderName::from_static("stripe-signature"), HeaderValue::from_str(&signature).ok()?);
    headers.insert(HeaderName::from_static("stripe-version"), HeaderValue::from_static(API_VERSION));
    let mut request = OutboundRequest::new(Method::POST, url);
    request.headers = headers;
    request.body = body.into();
    Some(request)
}

/// Writes how an attempt went, and counts what is left to do for its event.
async fn settle(twin: &StripeTwin, delivery: Delivery) -> Result<(), StripeError> {
    twin.db()
        .write("stripe_twin.deliveries.settle", move |tx| {
            deliveries::update(tx, &delivery)?;
            let pending = deliveries::count_pending(tx, &delivery.event_id)?;
            if let Some(mut event) = objects::find(tx, &delivery.event_id)? {
                event.set("pending_webhooks", pending);
                objects::update(tx, &event, &objects::Columns::default())?;
            }
            Ok(())
        })
        .await
}
