//! The chaos knob: what the twin does wrong on purpose, each in per cent of the occasions.

#[cfg(test)]
mod tests;

use quoin_db::Tx;
use serde_json::{Value, json};

use crate::error::StripeError;
use crate::fields::{Field, Params, int, text};
use crate::ids::Mint;
use crate::store::settings;

const NAME: &str = "chaos";

/// What can be set.
pub(crate) const FIELDS: &[Field] = &[
    int("duplicate"),
    int("reorder"),
    int("delay"),
    int("drop"),
    int("wrong_signature"),
    int("error"),
    int("hang"),
    int("close"),
    int("delay_ms"),
    int("hang_ms"),
    text("path"),
];

/// What each does: its name, a sentence, whether it is in per cent.
pub(crate) const EXPLAINED: &[(&str, &str, bool)] = &[
    ("duplicate", "webhooks are delivered twice", true),
    ("reorder", "webhooks wait up to three seconds, so that later ones overtake them", true),
    ("delay", "webhooks wait for delay_ms", true),
    ("drop", "webhooks are never delivered", true),
    ("wrong_signature", "the first attempt of a webhook is signed with another secret", true),
    ("error", "calls answer 500 and do nothing", true),
    ("hang", "calls keep silent for hang_ms, then the connection closes and nothing was done", true),
    ("close", "calls are done, then the connection closes without an answer", true),
    ("delay_ms", "how long a delayed webhook waits, in milliseconds", false),
    ("hang_ms", "how long a hanging call keeps silent, in milliseconds", false),
    ("path", "only calls whose path begins so fail; empty means all", false),
];

/// The longest that anything is held up.
const MAX_MS: i64 = 600_000;

/// How the knob stands.
#[derive(Debug, Clone)]
pub(crate) struct Knob(Value);

/// What happens to one copy of a webhook.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// How long it waits; nothing where it is dropped.
    pub(crate) delay_ms: Option<i64>,
    /// What is wrong with its first attempt.
    pub(crate) fault: Option<&'static str>,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiFault {
    /// 500, nothing done.
    Error,
    /// Silence, then the end of the connection, nothing done.
    Hang {
        /// How long.
        ms: u64,
    },
    /// Done, then the end of the connection without an answer.
    Close,
}

/// The fault of a delivery signed with another secret.
pub(crate) const WRONG_SIGNATURE: &str = "wrong_signature";
/// The fault of a delivery that never happens.
pub(crate) const DROPPED: &str = "drop";

impl Knob {
    /// Reads how it stands.
    pub(crate) fn read(tx: &mut Tx<'_>) -> Result<Self, StripeError> {
        Ok(Self(settings::find(tx, NAME)?.unwrap_or_else(|| json!({}))))
    }

    /// Turns it: what is named is set, the rest stays.
    ///
    /// # Errors
    /// Outside 0 to 100 per cent, or ten minutes.
    pub(crate) fn turn(tx: &mut Tx<'_>, params: &Params) -> Result<Self, StripeError> {
        let mut knob = Self::read(tx)?;
        for name in params.names() {
            let in_per_cent = EXPLAINED.iter().any(|(known, _, per_cent)| *known == name && *per_cent);
            let most = if in_per_cent { 100 } else { MAX_MS };
            if params.int(name).is_some_and(|value| !(0..=most).contains(&value)) {
                return Err(StripeError::invalid(format!("{name} must be between 0 and {most}.")).param(name));
            }
            knob.0[name] = params.get(name).clone();
        }
        settings::update(tx, NAME, &knob.0)?;
        Ok(knob)
    }

    /// Turns everything off.
    pub(crate) fn reset(tx: &mut Tx<'_>) -> Result<Self, StripeError> {
        settings::update(tx, NAME, &json!({}))?;
        Self::read(tx)
    }

    /// Shows how it stands, every name included.
    pub(crate) fn shown(&self) -> Value {
        EXPLAINED.iter().map(|(name, ..)| ((*name).to_owned(), self.value(name))).collect()
    }

    fn value(&self, name: &str) -> Value {
        let default = match name {
            "path" => json!(""),
            "delay_ms" => json!(2000),
            "hang_ms" => json!(30_000),
            _ => json!(0),
        };
        Some(&self.0[name]).filter(|value| !value.is_null()).cloned().unwrap_or(default)
    }

    fn number(&self, name: &str) -> i64 {
        self.value(name).as_i64().unwrap_or(0)
    }

    fn strikes(&self, name: &str, mint: &mut Mint) -> bool {
        let chance = self.number(name);
        chance > 0 && mint.below(100) < chance
    }

    /// Decides what happens to a webhook: one fate for each copy.
    pub(crate) fn fates(&self, mint: &mut Mint) -> Vec<Fate> {
        let copies = if self.strikes("duplicate", mint) { 2 } else { 1 };
        (0..copies).map(|_| self.fate(mint)).collect()
    }

    fn fate(&self, mint: &mut Mint) -> Fate {
        if self.strikes("drop", mint) {
            return Fate { delay_ms: None, fault: Some(DROPPED) };
        }
        let held = if self.strikes("delay", mint) { self.number("delay_ms") } else { 0 };
        let shuffled = if self.strikes("reorder", mint) { mint.below(3000) } else { 0 };
        let fault = self.strikes("wrong_signature", mint).then_some(WRONG_SIGNATURE);
        Fate { delay_ms: Some(held + shuffled), fault }
    }

    /// Decides what happens to a call.
    pub(crate) fn api_fault(&self, path: &str, mint: &mut Mint) -> Option<ApiFault> {
        if !path.starts_with(self.value("path").as_str().unwrap_or_default()) {
            return None;
        }
        if self.strikes("error", mint) {
            return Some(ApiFault::Error);
        }
        if self.strikes("hang", mint) {
            return Some(ApiFault::Hang { ms: u64::try_from(self.number("hang_ms")).unwrap_or(0) });
        }
        self.strikes("close", mint).then_some(ApiFault::Close)
    }
}
