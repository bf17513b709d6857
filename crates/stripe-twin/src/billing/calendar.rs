//! Billing periods: months keep the day of their anchor, as far as the month has it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// One day in seconds.
pub(crate) const DAY: i64 = 86_400;
/// One hour in seconds.
pub(crate) const HOUR: i64 = 3_600;

/// How often something recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rhythm<'a> {
    /// `day`, `week`, `month` or `year`.
    pub(crate) interval: &'a str,
    /// How many of them.
    pub(crate) count: i64,
}

impl Rhythm<'_> {
    /// Returns the moment `periods` periods after the anchor (before it, where negative).
    pub(crate) fn after(self, anchor: i64, periods: i64) -> i64 {
        let steps = periods * self.count;
        match self.interval {
            "day" => anchor + steps * DAY,
            "week" => anchor + steps * 7 * DAY,
            "year" => add_months(anchor, steps * 12),
            _ => add_months(anchor, steps),
        }
    }

    /// Returns the first boundary after `moment` of the periods counted from `anchor`.
    pub(crate) fn next_boundary(self, anchor: i64, moment: i64) -> i64 {
        let mut periods = (moment - anchor).div_euclid(self.longest());
        while self.after(anchor, periods) <= moment {
            periods += 1;
        }
        while self.after(anchor, periods - 1) > moment {
            periods -= 1;
        }
        self.after(anchor, periods)
    }

    /// Returns an upper bound of a period's length.
    fn longest(self) -> i64 {
        let days = match self.interval {
            "day" => 1,
            "week" => 7,
            "year" => 366,
            _ => 31,
        };
        days * DAY * self.count.max(1)
    }
}

fn add_months(anchor: i64, months: i64) -> i64 {
    let Some(start) = civil(anchor) else { return anchor };
    let span = Span::new().try_months(months);
    let moved = span.and_then(|span| start.checked_add(span));
    let zoned = moved.and_then(|moved| moved.to_zoned(TimeZone::UTC));
    zoned.map_or(anchor, |zoned| zoned.timestamp().as_second())
}

fn civil(seconds: i64) -> Option<DateTime> {
    Timestamp::from_second(seconds).ok().map(|moment| moment.to_zoned(TimeZone::UTC).datetime())
}

/// Writes a date for people: `21 Nov 2026`.
pub(crate) fn date(seconds: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Some(moment) = civil(seconds) else { return seconds.to_string() };
    let month = usize::try_from(moment.month() - 1).ok().and_then(|month| MONTHS.get(month));
    format!("{} {} {}", moment.day(), month.unwrap_or(&"?"), moment.year())
}

/// Writes a moment for people: `21 Nov 2026, 10:32:05 UTC`.
pub(crate) fn moment(seconds: i64) -> String {
    let Some(civil) = civil(seconds) else { return seconds.to_string() };
    format!("{}, {:02}:{:02}:{:02} UTC", date(seconds), civil.hour(), civil.minute(), civil.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAN_31: i64 = 1_769_860_800; // 2026-01-31T12:00:00Z
    const MONTHLY: Rhythm<'static> = Rhythm { interval: "month", count: 1 };

    #[test]
    fn months_keep_the_anchors_day_where_there_is_one() {
        let dates: Vec<String> = (0..4).map(|n| date(MONTHLY.after(JAN_31, n))).collect();
        assert_eq!(dates, ["31 Jan 2026", "28 Feb 2026", "31 Mar 2026", "30 Apr 2026"]);
        assert_eq!(date(Rhythm { interval: "year", count: 1 }.after(JAN_31, 2)), "31 Jan 2028");
    }

    #[test]
    fn boundaries_lie_strictly_after() {
        let feb_28 = MONTHLY.after(JAN_31, 1);
        assert_eq!(MONTHLY.next_boundary(JAN_31, JAN_31), feb_28);
        assert_eq!(MONTHLY.next_boundary(JAN_31, feb_28 - 1), feb_28);
        assert_eq!(MONTHLY.next_boundary(JAN_31, feb_28), MONTHLY.after(JAN_31, 2));
        assert_eq!(MONTHLY.next_boundary(JAN_31, JAN_31 - 5), JAN_31);
        assert_eq!(Rhythm { interval: "week", count: 2 }.next_boundary(0, 14 * DAY), 28 * DAY);
    }
}
