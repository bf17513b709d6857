//! Sends requests over keep-alive connections: as fast as answers come, or at a fixed rate.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bench::Outcome;
use bench::http::Connection;
use bench::people::Person;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

use crate::scenario::{Scenario, Target};
use crate::stage::{CONNECTIONS, Stage};

/// How fast to send.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends when its answer has come.
    Closed,
    /// All connections together send so many a second, whether answers come or not.
    PerSecond(f64),
}

/// What one measurement saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// The time of each answer within the measured span.
    pub times: Vec<Duration>,
    /// Answers over the whole run, warm-up included.
    pub answers: u64,
}

/// When a measurement begins and ends.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// Answers before it are warm-up.
    pub begin: Instant,
    /// No request is sent after it.
    pub end: Instant,
}

impl Span {
    /// Begins after a warm-up.
    pub(crate) fn after(warm_up: Duration, length: Duration) -> Self {
        let begin = Instant::now() + warm_up;
        Self { begin, end: begin + length }
    }
}

/// Drives a target on all connections until the span ends; any wrong answer ends it at once.
pub(crate) async fn drive(
    stage: &Rc<Stage>,
    scenario: &'static Scenario,
    (target, address): (Target, SocketAddr),
    pace: Pace,
    span: Span,
) -> Outcome<Seen> {
    let tasks = LocalSet::new();
    let run = async {
        let workers = (0..CONNECTIONS).map(|number| {
            let worker = Worker { stage: Rc::clone(stage), scenario, target, number };
            tokio::task::spawn_local(worker.run(address, pace, span))
        });
        let workers: Vec<_> = workers.collect();
        let mut seen = Seen::default();
        for worker in workers {
            let one = worker.await??;
            seen.answers += one.answers;
            seen.times.extend(one.times);
        }
        Ok(seen)
    };
    tasks.run_until(run).await
}

struct Worker {
    stage: Rc<Stage>,
    scenario: &'static Scenario,
    target: Target,
    number: usize,
}

impl Worker {
    async fn run(self, address: SocketAddr, pace: Pace, span: Span) -> Outcome<Seen> {
        let mut requests = self.scenario.requests(&self.stage, self.target, self.number);
        let mut person = self.stage.person(self.number);
        let mut connection = Connection::open(address).await?;
        let mut clock = Pacer::new(pace, self.number);
        let mut seen = Seen::default();
        for turn in 0.. {
            let asked = clock.next().await;
            if asked >= span.end {
                break;
            }
            let index = turn % requests.len();
            let answer = connection.send(&requests[index]).await?;
            if !self.scenario.accepts(answer.status, answer.body) {
                return Err(format!("{}: {} {}", self.scenario.name, answer.status, answer.json()).into());
            }
            seen.answers += 1;
            if asked >= span.begin {
                seen.times.push(asked.elapsed());
            }
            self.learn(&mut person, answer.body, &mut requests);
        }
        self.stage.remember(self.number, person);
        Ok(seen)
    }

    fn learn(&self, person: &mut Person, body: &[u8], requests: &mut Vec<Vec<u8>>) {
        if let Some(following) = self.scenario.following(self.target, person, body) {
            *requests = vec![following];
        }
    }
}

/// Decides when the next request goes out and from when its time counts.
struct Pacer {
    interval: Option<Duration>,
    due: Instant,
}

impl Pacer {
    #[expect(clippy::cast_precision_loss, reason = "there are 64 connections")]
    fn new(pace: Pace, number: usize) -> Self {
        let interval = match pace {
            Pace::Closed => None,
            Pace::PerSecond(rate) => Some(Duration::from_secs_f64(CONNECTIONS as f64 / rate.max(1.0))),
        };
        let share = number as f64 / CONNECTIONS as f64;
        Self { interval, due: Instant::now() + interval.unwrap_or_default().mul_f64(share) }
    }

    /// A request that is due while the connection still waits counts from when it was due, so that a stall is not
    /// hidden; one that the connection waited for counts from when our timer woke, whose millisecond is not the server's.
    async fn next(&mut self) -> Instant {
        let Some(interval) = self.interval else {
            return Instant::now();
        };
        let due = self.due;
        self.due += interval;
        if due <= Instant::now() {
            return due;
        }
        sleep_until(due).await;
        Instant::now()
    }
}
