//! The desk: what one transaction can do with objects, and how every change becomes an event.

mod events;

use quoin_db::Tx;
use serde_json::Value;

use crate::due;
use crate::error::StripeError;
use crate::ids::Mint;
use crate::links::Links;
use crate::object::Object;
use crate::store::objects::{self, Columns, Listed};

/// One transaction over the twin's objects.
///
/// Its time is the real one until it touches something that lives on a test clock; from then on it is that clock's.
pub(crate) struct Desk<'a, 'c> {
    pub(crate) tx: &'a mut Tx<'c>,
    pub(crate) mint: Mint,
    pub(crate) links: Links,
    /// The present moment of what is worked on, in seconds.
    pub(crate) now: i64,
    /// The real moment, in milliseconds.
    pub(crate) real_now_ms: i64,
    pub(crate) clock: Option<String>,
    /// The request that causes events: its id and idempotency key.
    pub(crate) cause: Cause,
}

/// Which request causes events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cause {
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

impl Desk<'_, '_> {
    /// Mints an id.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        self.mint.id(prefix)
    }

    /// Finds an object by its id, whatever it is.
    pub(crate) fn find(&mut self, id: &str) -> Result<Option<Object>, StripeError> {
        Ok(objects::find(self.tx, id)?)
    }

    /// Finds an object of a kind by another of its names.
    pub(crate) fn find_by_alias(&mut self, kind: &str, alias: &str) -> Result<Option<Object>, StripeError> {
        Ok(objects::find_by_alias(self.tx, alias)?.filter(|object| object.kind() == kind))
    }

    /// Gets an object of a kind, and lives by its clock from now on.
    ///
    /// # Errors
    /// `resource_missing`; the parameter that named it is `id`.
    pub(crate) fn get(&mut self, kind: &str, id: &str) -> Result<Object, StripeError> {
        let found = self.find(id)?.filter(|object| object.kind() == kind);
        let object = found.ok_or_else(|| StripeError::missing(kind, id))?;
        self.live_by_clock_of(&object)?;
        Ok(object)
    }

    /// Gets an object that a parameter names.
    ///
    /// # Errors
    /// `resource_missing` with 400 and the parameter's name.
    pub(crate) fn named(&mut self, kind: &str, id: &str, param: &str) -> Result<Object, StripeError> {
        match self.get(kind, id) {
            Ok(object) if !object.flag("deleted") => Ok(object),
            _ => Err(StripeError::missing(kind, id).param(param).bad_request()),
        }
    }

    /// Takes over the time of the test clock on which an object lives.
    pub(crate) fn live_by_clock_of(&mut self, object: &Object) -> Result<(), StripeError> {
        let clock = object.text("test_clock").or_else(|| object.text("_test_clock"));
        let Some(clock) = clock.filter(|clock| self.clock.as_deref() != Some(clock)) else { return Ok(()) };
        if let Some(found) = self.find(clock)? {
            self.now = found.amount("frozen_time");
            self.clock = Some(clock.to_owned());
        }
        Ok(())
    }

    /// Inserts an object without an event.
    pub(crate) fn insert_quietly(&mut self, object: &Object) -> Result<(), StripeError> {
        Ok(objects::insert(self.tx, object, &columns(object))?)
    }

    /// Inserts an object and tells the endpoints.
    pub(crate) fn insert(&mut self, object: &Object, event: &str) -> Result<(), StripeError> {
        self.insert_quietly(object)?;
        self.emit(event, object)
    }

    /// Writes an object anew without an event.
    pub(crate) fn update_quietly(&mut self, object: &Object) -> Result<(), StripeError> {
        Ok(objects::update(self.tx, object, &columns(object))?)
    }

    /// Writes an object anew; where anything visible changed, tells the endpoints what it was before.
    pub(crate) fn update(&mut self, object: &Object, event: &str) -> Result<(), StripeError> {
        let before = self.find(object.id())?;
        self.update_quietly(object)?;
        let before = before.map(|before| self.shown(&before));
        let after = self.shown(object);
        let changed = before.map(|before| previous_attributes(&before, &after)).unwrap_or_default();
        if changed.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(());
        }
        self.emit_with(event, object, Some(changed))
    }

    /// Deletes an object and tells the endpoints.
    pub(crate) fn delete(&mut self, object: &Object, event: &str) -> Result<(), StripeError> {
        objects::delete(self.tx, object.id())?;
        self.emit(event, object)
    }

    /// Gives an object another name.
    pub(crate) fn alias(&mut self, alias: &str, id: &str) -> Result<(), StripeError> {
        Ok(objects::insert_alias(self.tx, alias, id)?)
    }

    /// Lists all objects of a kind under a parent or customer, oldest first.
    pub(crate) fn all(&mut self, listed: &Listed<'_>) -> Result<Vec<Object>, StripeError> {
        let rows = objects::list_after(self.tx, listed, 0, 100_000)?;
        Ok(rows.into_iter().map(|(_, object)| object).collect())
    }

    /// Lists a customer's objects of a kind, oldest first.
    pub(crate) fn of_customer(&mut self, kind: &str, customer: &str) -> Result<Vec<Object>, StripeError> {
        self.all(&Listed { kind, customer: Some(customer), parent: None })
    }

    /// Lists a parent's objects of a kind, oldest first.
    pub(crate) fn of_parent(&mut self, kind: &str, parent: &str) -> Result<Vec<Object>, StripeError> {
        self.all(&Listed { kind, customer: None, parent: Some(parent) })
    }

    /// Returns an object as the API shows it when nothing is expanded.
    #[expect(clippy::unused_self, reason = "what is shown is the desk's to say; callers need not know how")]
    pub(crate) fn shown(&self, object: &Object) -> Value {
        let mut document = object.document().clone();
        crate::api::expand::hide_includable(&mut document);
        crate::object::without_private(&mut document);
        document
    }
}

/// Says under what an object is found: whose it is, what it hangs on, when something happens to it next.
fn columns(object: &Object) -> Columns<'_> {
    let parent = ["_parent", "product", "subscription", "payment_intent", "charge", "invoice"];
    let kind = object.kind();
    Columns {
        customer: object.text("customer").filter(|_| kind != "customer"),
        parent: parent.iter().find_map(|name| object.text(name)),
        clock: object.text("test_clock").or_else(|| object.text("_test_clock")),
        due_at: due::of(object),
    }
}

/// Returns, of what changed, the values before.
fn previous_attributes(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Value::Null };
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = names.filter(|name| before.get(*name) != after.get(*name));
    changed.map(|name| (name.clone(), before.get(name).cloned().unwrap_or(Value::Null))).collect()
}

/// What was only imagined is undone.
struct Undone;

impl From<quoin_db::DbError> for Undone {
    fn from(_: quoin_db::DbError) -> Self {
        Self
    }
}

impl Desk<'_, '_> {
    /// Does something, looks at what came of it, and undoes it.
    pub(crate) fn imagine<T>(
        &mut self,
        part: impl FnOnce(&mut Desk<'_, '_>) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        self.part(part, |_| false)
    }

    /// Does something, and undoes it where it fails, even where a refused card would let it stay.
    pub(crate) fn attempt<T>(
        &mut self,
        part: impl FnOnce(&mut Desk<'_, '_>) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        self.part(part, Result::is_ok)
    }

    fn part<T>(
        &mut self,
        part: impl FnOnce(&mut Desk<'_, '_>) -> Result<T, StripeError>,
        keep: impl FnOnce(&Result<T, StripeError>) -> bool,
    ) -> Result<T, StripeError> {
        let mut outcome = None;
        let (mint, links, cause, clock) =
            (self.mint.clone(), self.links.clone(), self.cause.clone(), self.clock.clone());
        let (now, real_now_ms) = (self.now, self.real_now_ms);
        let mut minted = None;
        let kept = self.tx.savepoint::<(), Undone>(|tx| {
            let mut desk = Desk { tx, mint, links, now, real_now_ms, clock, cause };
            let done = part(&mut desk);
            minted = Some(desk.mint);
            let keep = keep(&done);
            outcome = Some(done);
            if keep { Ok(()) } else { Err(Undone) }
        });
        // Ids that were imagined are never minted again, so that nobody mistakes one for another.
        self.mint = minted.unwrap_or_else(|| self.mint.clone());
        drop(kept);
        outcome.unwrap_or_else(|| Err(StripeError::api("The twin's database failed; its log says more.")))
    }
}
