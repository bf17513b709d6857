use std::time::Duration;

use quoin_kernel::Timestamp;
use quoin_kernel::job::{Schedule, When};
use quoin_kernel::rng::SeededRng;

use super::{Backoff, Calendar, Subscriptions, last_error};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(when: When) -> Schedule {
    Schedule { name: "test.schedule", when, job: "test.job" }
}

#[test]
fn waits_double_up_to_the_cap_and_are_spread_below_it() {
    let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(1) };
    assert_eq!(backoff.ceiling(1), Duration::from_secs(1));
    assert_eq!(backoff.ceiling(4), Duration::from_secs(8));
    assert_eq!(backoff.ceiling(40), Duration::from_mins(1));
    let rng = SeededRng::new(1);
    let draws: Vec<Duration> = (0..100).map(|_| backoff.draw(5, &rng)).collect();
    assert!(draws.iter().all(|wait| *wait <= Duration::from_secs(16)));
    assert!(draws.iter().any(|wait| *wait < Duration::from_secs(4)));
    assert!(draws.iter().any(|wait| *wait > Duration::from_secs(12)));
}

#[test]
fn a_schedule_is_next_due_in_utc() {
    let cron = Calendar::of(&schedule(When::Cron("30 4 * * *"))).unwrap();
    assert_eq!(cron.next_after(time("2026-08-01T04:30:00Z")), Some(time("2026-08-02T04:30:00Z")));
    assert_eq!(cron.next_after(time("2026-08-01T04:29:59.999999Z")), Some(time("2026-08-01T04:30:00Z")));
}

#[test]
fn an_interval_counts_from_the_last_time() {
    let calendar = Calendar::of(&schedule(When::Every(Duration::from_mins(10)))).unwrap();
    assert_eq!(calendar.next_after(time("2026-08-01T00:00:00Z")), Some(time("2026-08-01T00:10:00Z")));
}

#[test]
fn an_expression_that_cannot_be_read_names_its_schedule() {
    let refused = Calendar::of(&schedule(When::Cron("every day"))).unwrap_err();
    assert!(refused.to_string().contains("test.schedule"), "{refused}");
}

#[test]
fn what_a_failure_leaves_behind_holds_no_secret() {
    let error = std::io::Error::other(
        "550 <alice@example.com> refused https://x.example/verify?token=Zk9vQmFyQmF6MTIzNDU2Nzg5MDEyMzQ1 \
         job 0198f6a0-0000-7000-8000-000000000001\r\nquoin_sec_0123456789abcdef0123456789abcdef",
    );
    assert_eq!(
        last_error(&error),
        "550 [address] refused https://x.example/verify?token=[redacted] \
         job 0198f6a0-0000-7000-8000-000000000001  [redacted]"
    );
    assert!(last_error(&std::io::Error::other("x ".repeat(2000))).chars().count() <= 501);
}

#[test]
fn an_event_becomes_one_job_per_subscriber() {
    let subscriptions =
        Subscriptions::default().on("a.b.c", "x.one").on("a.b.c", "x.two").on("d.e.f", "x.one");
    assert_eq!(subscriptions.of("a.b.c").collect::<Vec<_>>(), ["x.one", "x.two"]);
    assert_eq!(subscriptions.of("nobody.hears.it").count(), 0);
}
