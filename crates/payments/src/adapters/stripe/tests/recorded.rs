//! A recorded year of one customer at Stripe, replayed to the real adapter any number of times: what it asks is answered with
//! what the recording says stood there at the moment that the life in question has come to.
//!
//! `cargo xtask record` makes `tests/recorded/year.json`. Ids in it carry the mark [`LIFE`], so that each life has its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use quoin_kernel::port::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::Line;
use super::super::form::Call;
use super::super::{Stripe, event};
use crate::model::Announcement;
use crate::port::ProviderError;

/// Stands in the recording where each life has a number.
const LIFE: &str = "{life}";

/// The recording as it is kept.
#[derive(Deserialize)]
struct Tape {
    /// The customer, the session and the price it was opened for.
    customer: String,
    session: String,
    price: String,
    /// How many moments there are.
    moments: usize,
    /// What was announced at which moment.
    events: Vec<(usize, Value)>,
    /// What each question was answered from which moment on; null where there was nothing.
    answers: HashMap<String, Vec<(usize, Value)>>,
}

/// One replay of the year.
struct Life {
    moment: usize,
    subject: String,
    checkout: String,
}

/// The account: the recording, and how far each life has come.
pub(crate) struct Recording {
    tape: Tape,
    lives: Mutex<BTreeMap<u64, Life>>,
}

impl Recording {
    /// Reads what is recorded.
    pub(crate) fn open() -> Arc<Self> {
        let tape = serde_json::from_str(include_str!("../../../tests/recorded/year.json")).unwrap();
        Arc::new(Self { tape, lives: Mutex::default() })
    }

    /// Begins a life before its first moment.
    pub(crate) fn begin(&self, number: u64, subject: String, checkout: String) {
        self.lives.lock().unwrap().insert(number, Life { moment: 0, subject, checkout });
    }

    /// Lets a life come to a moment; returns what is announced then.
    pub(crate) fn arrive(&self, number: u64, moment: usize) -> Vec<Announcement> {
        self.lives.lock().unwrap().get_mut(&number).unwrap().moment = moment;
        let then = self.tape.events.iter().filter(|(at, _)| *at == moment);
        then.map(|(_, event)| event::read(self.told(number, event).as_bytes(), false, None).unwrap())
            .collect()
    }

    /// Forgets every life: nothing of them is listed any more.
    pub(crate) fn forget(&self) {
        self.lives.lock().unwrap().clear();
    }

    pub(crate) fn moments(&self) -> usize {
        self.tape.moments
    }

    pub(crate) fn customer(&self, number: u64) -> String {
        of_life(&self.tape.customer, number)
    }

    pub(crate) fn session(&self, number: u64) -> String {
        of_life(&self.tape.session, number)
    }

    pub(crate) fn price(&self) -> &str {
        &self.tape.price
    }

    /// The real adapter, with this account at the other end of its line.
    pub(crate) fn stripe(self: &Arc<Self>) -> Stripe {
        Stripe { line: Box::new(self.clone()), secrets: Vec::new(), account: None, live: false }
    }

    /// Writes what is recorded as one life sees it.
    fn told(&self, number: u64, document: &Value) -> String {
        let lives = self.lives.lock().unwrap();
        let life = &lives[&number];
        of_life(&document.to_string(), number)
            .replace("{subject}", &life.subject)
            .replace("{checkout}", &life.checkout)
    }

    fn answer(&self, call: &Call) -> Result<Value, ProviderError> {
        let asked = call.form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let question = [call.path.clone(), asked.join("&")].join("?");
        let (question, number) = without_life(question.trim_end_matches('?'));
        if let Some(number) = number {
            let moment = self.lives.lock().unwrap().get(&number).map_or(0, |life| life.moment);
            return self.at(&question, moment).map(|found| self.read(number, found)).ok_or_else(nothing);
        }
        if self.tape.answers.contains_key(&question) {
            return self.at(&question, usize::MAX).cloned().ok_or_else(nothing);
        }
        Ok(self.list(&call.path))
    }

    /// Returns what a question is answered at a moment.
    fn at(&self, question: &str, moment: usize) -> Option<&Value> {
        let answers = self.tape.answers.get(question)?;
        let (_, last) = answers.iter().rfind(|(from, _)| *from <= moment)?;
        Some(last).filter(|last| !last.is_null())
    }

    fn read(&self, number: u64, found: &Value) -> Value {
        serde_json::from_str(&self.told(number, found)).unwrap()
    }

    /// Lists everything below a path: of every life what there is by now, else what all lives share.
    fn list(&self, path: &str) -> Value {
        let below = format!("{path}/");
        let questions: Vec<&String> =
            self.tape.answers.keys().filter(|question| question.starts_with(&below)).collect();
        let lives: Vec<(u64, usize)> =
            self.lives.lock().unwrap().iter().map(|(number, life)| (*number, life.moment)).collect();
        let mut data = Vec::new();
        for question in questions {
            if question.contains(LIFE) {
                let found =
                    lives.iter().filter_map(|(number, moment)| Some((number, self.at(question, *moment)?)));
                data.extend(found.map(|(number, found)| self.read(*number, found)));
            } else {
                data.extend(self.at(question, usize::MAX).cloned());
            }
        }
        json!({"object": "list", "data": data, "has_more": false})
    }
}

impl Line for Arc<Recording> {
    fn send<'a>(
        &'a self,
        call: &'a Call,
        key: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Value, ProviderError>> {
        assert_eq!(key, None, "a recording cannot be changed: {}", call.path);
        let answer = self.answer(call);
        Box::pin(async move {
            tokio::task::yield_now().await;
            answer
        })
    }
}

fn nothing() -> ProviderError {
    ProviderError::Refused { code: "resource_missing".into(), message: "There is no such thing.".into() }
}

fn of_life(text: &str, number: u64) -> String {
    text.replace(LIFE, &mark(number))
}

/// What ids of a life end with.
pub(crate) fn mark(number: u64) -> String {
    format!("_life{number}_")
}

/// Puts the mark back where a life's number is, and returns the number.
fn without_life(question: &str) -> (String, Option<u64>) {
    let number = question.split_once("_life").and_then(|(_, after)| after.split('_').next()?.parse().ok());
    (number.map_or_else(|| question.to_owned(), |number| question.replace(&mark(number), LIFE)), number)
}
