//! Rules of the nouns.

use std::time::Duration;

use quoin_kernel::Timestamp;

use super::PlanId;
use super::dunning::Reminders;
use super::entitlement::{Entitlement, Limit, Mode, Per};
use super::money::{Currency, Money};
use super::subscription::{Access, AccessFacts, Status};
use super::use_of::{month_start, next_reset};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn money_is_written_with_the_digits_of_its_currency() {
    let money = |amount, currency: &str| Money { amount, currency: currency.parse().unwrap() }.to_string();
    assert_eq!(money(1900, "usd"), "USD 19.00");
    assert_eq!(money(-5, "eur"), "EUR -0.05");
    assert_eq!(money(500, "jpy"), "JPY 500");
    assert_eq!(money(1500, "KWD"), "KWD 1.500");
    assert!("us".parse::<Currency>().is_err() && "u$d".parse::<Currency>().is_err());
}

#[test]
fn periods_begin_at_midnight_and_on_the_first() {
    for (now, day, month) in [
        ("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("2100-02-28T12:00:00Z", "2100-03-01T00:00:00Z", "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(next_reset(Per::Day, time(now)), time(day), "{now}");
        assert_eq!(next_reset(Per::Month, time(now)), time(month), "{now}");
    }
    assert_eq!(month_start(time("2026-08-17T03:04:05Z")), time("2026-08-01T00:00:00Z"));
}

#[test]
fn access_follows_from_facts() {
    let now = time("2026-08-10T00:00:00Z");
    let facts = |status, since: Option<&str>| AccessFacts {
        status,
        mismatched: false,
        paused: false,
        restricted_by_rule: false,
        past_due_since: since.map(time),
        grace: Duration::from_hours(24 * 7),
    };
    assert_eq!(facts(Status::Active, None).decide(now), Access::Full);
    assert_eq!(facts(Status::PastDue, Some("2026-08-04T00:00:00Z")).decide(now), Access::Grace);
    assert_eq!(facts(Status::PastDue, Some("2026-08-03T00:00:00Z")).decide(now), Access::Restricted);
    assert_eq!(facts(Status::Unpaid, None).decide(now), Access::Restricted);
    assert_eq!(facts(Status::Incomplete, None).decide(now), Access::None);
    assert_eq!(AccessFacts { mismatched: true, ..facts(Status::Active, None) }.decide(now), Access::None);
    assert_eq!(AccessFacts { paused: true, ..facts(Status::Active, None) }.decide(now), Access::Restricted);
}

#[test]
fn what_is_restricted_stays_so_when_a_payment_fails_besides() {
    let now = time("2026-08-10T00:00:00Z");
    for (paused, restricted_by_rule, failed) in [
        (false, false, Access::Grace),
        (true, false, Access::Restricted),
        (false, true, Access::Restricted),
        (true, true, Access::Restricted),
    ] {
        let facts = AccessFacts {
            status: Status::PastDue,
            mismatched: false,
            paused,
            restricted_by_rule,
            past_due_since: Some(now),
            grace: Duration::from_hours(24 * 7),
        };
        assert_eq!(facts.decide(now), failed, "{facts:?}");
        let over = AccessFacts { status: Status::Canceled, ..facts };
        assert_eq!(over.decide(now), Access::None, "{over:?}");
    }
}

#[test]
fn of_two_entitlements_the_better_one_counts() {
    let limit = |limit| Entitlement::Limit(Limit { limit, mode: Mode::Hard, per: None });
    assert_eq!(limit(Some(3)).better(limit(Some(5))), limit(Some(5)));
    assert_eq!(limit(Some(3)).better(limit(None)), limit(None));
    assert_eq!(Entitlement::Flag(false).better(Entitlement::Flag(true)), Entitlement::Flag(true));
}

#[test]
fn reminders_are_due_day_by_day() {
    let since = time("2026-08-01T00:00:00Z");
    let reminders = Reminders::new(&[6, 0, 3, 3]);
    for (now, due) in [
        ("2026-08-01T00:00:00Z", 1),
        ("2026-08-03T23:59:59Z", 1),
        ("2026-08-04T00:00:00Z", 2),
        ("2027-01-01T00:00:00Z", 3),
    ] {
        assert_eq!(reminders.due(since, time(now)), due, "{now}");
    }
    assert_eq!(reminders.next(since, 1), Some(time("2026-08-04T00:00:00Z")));
    assert_eq!(reminders.next(since, 3), None);
}

#[test]
fn a_plans_id_is_a_slug_and_can_be_made_from_a_name() {
    for good in ["pro", "pro-2", "2026_plan"] {
        assert!(good.parse::<PlanId>().is_ok(), "{good}");
    }
    for bad in ["", "Pro", "-pro", "pro plan", &"x".repeat(64)] {
        assert!(bad.parse::<PlanId>().is_err(), "{bad}");
    }
    assert_eq!(PlanId::from_name("  Größe & Co. (2026) ").unwrap().as_str(), "gr-e-co-2026");
    assert!(PlanId::from_name("日本").is_none());
}
