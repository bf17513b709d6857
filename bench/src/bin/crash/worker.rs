//! One connection that asks for promises until the server dies.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bench::http::{Connection, Request};
use bench::people::{PASSWORD, Person};
use bench::random::Random;
use serde_json::json;

use crate::ledger::Ledger;

/// One request in so many is a sign-up, which sends a mail, which is a job; the others insert a row.
const SIGN_UP_EVERY: u64 = 40;

/// Asks for one thing after the other.
pub(crate) struct Worker {
    address: SocketAddr,
    access_token: String,
    ledger: Arc<Ledger>,
    random: Random,
}

impl Worker {
    /// Makes a worker that acts as `person`.
    pub(crate) fn new(address: SocketAddr, person: &Person, ledger: &Arc<Ledger>, seed: u64) -> Self {
        let access_token = person.access_token.clone();
        Self { address, access_token, ledger: Arc::clone(ledger), random: Random::new(seed) }
    }

    /// Runs until the connection breaks, which is the end we came for; an error is any other answer than success.
    pub(crate) async fn run(mut self) -> Result<()> {
        let Ok(mut connection) = Connection::open(self.address).await else {
            return Ok(());
        };
        loop {
            let number = self.ledger.number();
            let is_sign_up = self.random.below(SIGN_UP_EVERY) == 0;
            let request = if is_sign_up { self.sign_up(number) } else { self.row(number) };
            self.ledger.in_flight.fetch_add(1, Ordering::SeqCst);
            let Ok(answer) = connection.send(&request.bytes()).await else {
                return Ok(());
            };
            self.ledger.in_flight.fetch_sub(1, Ordering::SeqCst);
            match answer.status {
                200..300 if is_sign_up => self.ledger.sign_up(&email(number), true),
                200..300 => self.ledger.row(number, true),
                // A server under load may say so; it promised nothing.
                429 | 503 => {}
                status => return Err(Error::other(format!("{status} {}", answer.json()))),
            }
        }
    }

    fn row(&self, number: u64) -> Request {
        self.ledger.row(number, false);
        Request::new("POST", "/rest/v1/promises").bearer(&self.access_token).json(&json!({"number": number}))
    }

    /// Comes from an address of its own each time, because sign-ups are limited per address.
    fn sign_up(&mut self, number: u64) -> Request {
        let email = email(number);
        self.ledger.sign_up(&email, false);
        let [a, b, c, _, ..] = self.random.draw().to_le_bytes();
        let from = format!("10.{a}.{b}.{c}");
        let body = json!({"email": email, "password": PASSWORD});
        Request::new("POST", "/auth/v1/signup").header("x-forwarded-for", &from).json(&body)
    }
}

fn email(number: u64) -> String {
    format!("person-{number}@crash.example")
}
