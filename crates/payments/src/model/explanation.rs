//! Which events and fetches produced what a subscription is now.

use std::collections::BTreeMap;

use quoin_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of thing that a [`FetchId`] names.
#[derive(Debug)]
pub enum FetchRow {}

/// Identifies a fetch.
pub type FetchId = Id<FetchRow>;

/// What a field was and became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Changed {
    /// What it was.
    pub from: Value,
    /// What it became.
    pub to: Value,
}

/// The fields that one fetch changed.
pub type Changes = BTreeMap<String, Changed>;

/// A fetch of an object and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Fetched {
    /// The fetch.
    pub id: FetchId,
    /// Its fencing token: a later one has a higher one.
    pub fence: i64,
    /// Up to which piece of news it covers.
    pub covers: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was written down.
    pub finished_at: Timestamp,
    /// `applied`, `unchanged`, `missing` or `foreign`.
    pub outcome: String,
    /// What it changed.
    pub changes: Changes,
    /// What was heard before it began: ids of events, or `reconcile`, `checkout`, `change` …
    pub causes: Vec<Cause>,
}

/// Something that was heard of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Cause {
    /// The id of an event, or what Quoin did itself.
    pub cause: String,
    /// When it was heard.
    pub received_at: Timestamp,
    /// Which piece of news of its object it was, from 1.
    pub number: i64,
}

/// Which fetch gave a field its present value.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FieldOrigin {
    /// The present value.
    pub value: Value,
    /// The fetch.
    pub fetch: FetchId,
    /// When.
    pub at: Timestamp,
}

/// Compares two documents field by field.
pub fn changes(before: Option<&Value>, after: &Value) -> Changes {
    let (empty, mut changes) = (serde_json::Map::new(), Changes::new());
    let before = before.and_then(Value::as_object).unwrap_or(&empty);
    for (name, to) in after.as_object().unwrap_or(&empty) {
        let from = before.get(name).cloned().unwrap_or(Value::Null);
        if from != *to {
            changes.insert(name.clone(), Changed { from, to: to.clone() });
        }
    }
    changes
}

/// Names, for each field, the last fetch that changed it. `fetches` come oldest first.
pub fn origins(fetches: &[Fetched]) -> BTreeMap<String, FieldOrigin> {
    let mut origins = BTreeMap::new();
    for fetch in fetches {
        for (name, changed) in &fetch.changes {
            let value = changed.to.clone();
            origins.insert(name.clone(), FieldOrigin { value, fetch: fetch.id, at: fetch.finished_at });
        }
    }
    origins
}
