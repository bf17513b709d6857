//! `/_twin`: what is there, what happened, what was delivered, what time it is, and what goes wrong on purpose.

mod knobs;
mod show;

use http::{HeaderMap, header};
use quoin_web::{
    Ctx, IntoResponse, Json, Operation, Response, RoutesFor, State, Unidentified, ValidBytes, ValidPath,
};
use serde_json::{Map, Value, json};

use super::form::Form;
use super::{answer, check_site, redirect};
use crate::StripeTwin;
use crate::chaos::{FIELDS, Knob};
use crate::error::StripeError;
use crate::fields::Params;
use crate::store::{deliveries, objects};

pub(super) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    routes
        .add(Operation::get("/_twin", "stripe_twin.dashboard.show").undocumented(), overview)
        .add(Operation::get("/_twin/objects/{kind}", "stripe_twin.dashboard.list").undocumented(), list)
        .add(Operation::get("/_twin/object/{id}", "stripe_twin.dashboard.object").undocumented(), object)
        .add(Operation::post("/_twin/resend", "stripe_twin.dashboard.resend").undocumented(), resend)
        .add(Operation::get("/_twin/chaos", "stripe_twin.chaos.get").undocumented(), chaos)
        .add(Operation::post("/_twin/chaos", "stripe_twin.chaos.turn").undocumented(), turn)
        .add(Operation::post("/_twin/dunning", "stripe_twin.dunning.set").undocumented(), knobs::dunning)
        .add(Operation::post("/_twin/clock", "stripe_twin.clock.set").undocumented(), knobs::clock)
        .add(Operation::post("/_twin/trigger", "stripe_twin.trigger").undocumented(), trigger)
}

async fn overview(_: Ctx<Unidentified>, State(twin): State<StripeTwin>, headers: HeaderMap) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        twin.look("stripe_twin.dashboard", |desk| {
            let counts = objects::count(desk.tx)?;
            let listed = objects::Listed { kind: "event", customer: None, parent: None };
            let events = objects::list_before(desk.tx, &listed, i64::MAX, 25)?;
            let listed = objects::Listed { kind: "test_helpers.test_clock", customer: None, parent: None };
            let clocks = objects::list_before(desk.tx, &listed, i64::MAX, 25)?;
            let unnumbered = |rows: Vec<(i64, _)>| rows.into_iter().map(|(_, object)| object).collect();
            let state = show::State {
                counts,
                events: unnumbered(events),
                clocks: unnumbered(clocks),
                deliveries: deliveries::list_recent(desk.tx, 25)?,
                knob: Knob::read(desk.tx)?.shown(),
                dunning: crate::billing::lifecycle::after_retries(desk)?,
                clock: crate::objects::test_clock::default_of(desk)?,
                now: desk.now,
            };
            Ok(show::overview(&state).into_response())
        })
        .await
    };
    answer(shown.await)
}

async fn list(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(kind): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        twin.look("stripe_twin.dashboard.list", move |desk| {
            let listed = objects::Listed { kind: &kind, customer: None, parent: None };
            let rows = objects::list_before(desk.tx, &listed, i64::MAX, 100)?;
            let rows: Vec<_> = rows.into_iter().map(|(_, object)| object).collect();
            Ok(show::list(&kind, &rows).into_response())
        })
        .await
    };
    answer(shown.await)
}

async fn object(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        twin.look("stripe_twin.dashboard.object", move |desk| {
            let object = desk.find(&id)?.ok_or_else(|| StripeError::missing("object", &id))?;
            let deliveries = deliveries::list_of_event(desk.tx, &id)?;
            let shown = desk.shown(&object);
            Ok(show::object(&object, &shown, &deliveries).into_response())
        })
        .await
    };
    answer(shown.await)
}

/// Delivers an event again, to every endpoint that it was delivered to, or to the one that is named.
async fn resend(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let sent = async {
        check_site(&twin, &headers)?;
        let id = read(&headers, &body)?.or_empty("event");
        let event = id.clone();
        twin.change("stripe_twin.resend", move |desk| {
            let event = desk.get("event", &event)?;
            let mut endpoints: Vec<String> = deliveries::list_of_event(desk.tx, event.id())?
                .into_iter()
                .map(|delivery| delivery.endpoint_id)
                .collect();
            endpoints.sort();
            endpoints.dedup();
            endpoints.iter().try_for_each(|endpoint| desk.deliver(event.id(), endpoint))
        })
        .await?;
        Ok(done(&twin, &headers, &json!({"resent": id}), &format!("/object/{id}")))
    };
    answer(sent.await)
}

async fn chaos(_: Ctx<Unidentified>, State(twin): State<StripeTwin>, headers: HeaderMap) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        let knob = twin.look("stripe_twin.chaos.show", |desk| Knob::read(desk.tx)).await?;
        Ok(Json(knob.shown()).into_response())
    };
    answer(shown.await)
}

/// Turns the knob, as JSON or as the dashboard's form; `{"reset": true}` puts it at rest.
async fn turn(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let turned = async {
        check_site(&twin, &headers)?;
        let form = read(&headers, &body)?;
        let reset = form.text("reset").is_some();
        let fields: Map<String, Value> = form
            .fields()
            .iter()
            .filter(|(name, _)| *name != "reset")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let params = Params::check(&fields, FIELDS)?;
        let knob = twin.change("stripe_twin.chaos.turn", move |desk| {
            if reset { Knob::reset(desk.tx) } else { Knob::turn(desk.tx, &params) }
        });
        let knob = knob.await?;
        Ok(done(&twin, &headers, &knob.shown(), ""))
    };
    json_or_page(&headers, turned.await)
}

async fn trigger(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let triggered = async {
        check_site(&twin, &headers)?;
        let event = read(&headers, &body)?.or_empty("event");
        let events = twin.trigger(&event).await.map_err(|problem| StripeError::invalid(problem.message()))?;
        Ok(done(&twin, &headers, &json!({"events": events}), ""))
    };
    json_or_page(&headers, triggered.await)
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// Says what was done: JSON to programs, to people a page of the dashboard.
fn done(twin: &StripeTwin, headers: &HeaderMap, document: &Value, page: &str) -> Response {
    if wants_json(headers) {
        Json(document).into_response()
    } else {
        redirect(&twin.desk_parts().links.page(page))
    }
}

/// Reads a form, or JSON with the same names.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Form, StripeError> {
    if !wants_json(headers) {
        return Form::read(body);
    }
    let document: Value =
        serde_json::from_slice(body).map_err(|error| StripeError::invalid(format!("Not JSON: {error}")))?;
    let fields =
        document.as_object().ok_or_else(|| StripeError::invalid("The body must be a JSON object."))?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    Form::read(form.finish().as_bytes())
}

fn json_or_page(headers: &HeaderMap, outcome: Result<Response, StripeError>) -> Response {
    match outcome {
        Err(error) if wants_json(headers) => {
            let status = http::StatusCode::from_u16(error.status()).unwrap_or(http::StatusCode::BAD_REQUEST);
            (status, Json(error.body())).into_response()
        }
        other => answer(other),
    }
}
