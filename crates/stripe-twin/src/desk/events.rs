//! Events: written in the transaction of the change they tell of, with a delivery for every endpoint that wants them.

use serde_json::{Value, json};

use super::Desk;
use crate::api::API_VERSION;
use crate::chaos;
use crate::error::StripeError;
use crate::hooks::DELIVERIES_TOPIC;
use crate::object::Object;
use crate::store::deliveries::{self, Delivery};
use crate::store::objects::Listed;

impl Desk<'_, '_> {
    /// Tells of an object.
    pub(crate) fn emit(&mut self, kind: &str, object: &Object) -> Result<(), StripeError> {
        self.emit_with(kind, object, None)
    }

    /// Tells of an object and of what it was before.
    pub(crate) fn emit_with(
        &mut self,
        kind: &str,
        object: &Object,
        previous: Option<Value>,
    ) -> Result<(), StripeError> {
        let mut data = json!({"object": self.shown(object)});
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        self.record_event(kind, &data).map(drop)
    }

    /// Writes an event and its deliveries.
    pub(crate) fn record_event(&mut self, kind: &str, data: &Value) -> Result<Object, StripeError> {
        let id = self.id("evt_1");
        let endpoints = self.endpoints_for(kind)?;
        let event = Object::new(json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": false,
            "pending_webhooks": endpoints.len(),
            "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
            "type": kind,
        }));
        self.insert_quietly(&event)?;
        for endpoint in endpoints {
            self.deliver(event.id(), endpoint.id())?;
        }
        Ok(event)
    }

    /// Queues the deliveries of an event to one endpoint, as many as the chaos knob wants.
    pub(crate) fn deliver(&mut self, event_id: &str, endpoint_id: &str) -> Result<(), StripeError> {
        let knob = chaos::Knob::read(self.tx)?;
        for fate in knob.fates(&mut self.mint) {
            let delivery = Delivery {
                id: self.id("whd_"),
                event_id: event_id.to_owned(),
                endpoint_id: endpoint_id.to_owned(),
                attempts: 0,
                due_at_ms: fate.delay_ms.map(|delay| self.real_now_ms + delay),
                fault: fate.fault.map(str::to_owned),
                last_status: None,
                last_answer: None,
                last_at_ms: None,
            };
            deliveries::insert(self.tx, &delivery)?;
        }
        self.tx.notify_on_commit(DELIVERIES_TOPIC);
        Ok(())
    }

    fn endpoints_for(&mut self, kind: &str) -> Result<Vec<Object>, StripeError> {
        let all = self.all(&Listed { kind: "webhook_endpoint", customer: None, parent: None })?;
        let wants = |endpoint: &Object| {
            let events = endpoint.list("enabled_events");
            endpoint.status() == "enabled" && events.iter().any(|event| event == "*" || event == kind)
        };
        Ok(all.into_iter().filter(wants).collect())
    }
}
