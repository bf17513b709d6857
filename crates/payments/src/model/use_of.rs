//! When counting begins anew.

use quoin_kernel::Timestamp;

use super::entitlement::Per;

const DAY_US: i64 = 86_400_000_000;

/// Returns the first moment after `now` at which counting begins anew.
pub fn next_reset(per: Per, now: Timestamp) -> Timestamp {
    let day = now.as_micros().div_euclid(DAY_US);
    match per {
        Per::Day => Timestamp::from_micros((day + 1) * DAY_US),
        Per::Month => {
            let (year, month) = year_and_month(day);
            let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Timestamp::from_micros(days_before(year, month) * DAY_US)
        }
    }
}

/// Returns the first moment of the month that `now` lies in.
pub fn month_start(now: Timestamp) -> Timestamp {
    let (year, month) = year_and_month(now.as_micros().div_euclid(DAY_US));
    Timestamp::from_micros(days_before(year, month) * DAY_US)
}

/// Turns days since 1970 into year and month of the proleptic Gregorian calendar.
fn year_and_month(day: i64) -> (i64, i64) {
    let mut year = 1970 + day.div_euclid(366);
    while days_before(year + 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days_before(year, *month) <= day).unwrap_or(1);
    (year, month)
}

/// Counts the days from 1970-01-01 to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let leaps =
        |year: i64| (year - 1).div_euclid(4) - (year - 1).div_euclid(100) + (year - 1).div_euclid(400);
    let in_year =
        BEFORE[usize::try_from(month - 1).unwrap_or(0).min(11)] + i64::from(month > 2 && leap(year));
    (year - 1970) * 365 + leaps(year) - leaps(1970) + in_year
}
