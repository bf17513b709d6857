//! How long a person may not sign in.

use std::time::Duration;

use quoin_kernel::{Problem, Timestamp};

/// What an administrator says about a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BanDuration {
    /// The person may sign in.
    None,
    /// The person may not sign in for this long from now.
    For(Duration),
}

/// No ban lasts longer than this: a hundred years, which is for ever and still a date that every client can read.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

impl BanDuration {
    /// Reads `none`, or numbers with units as the contract writes them: `300ms`, `1.5h`, `2h45m`. Units: ns, us, ms, s, m, h.
    ///
    /// # Errors
    /// 400 `validation_failed` for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text == "none" {
            return Ok(Self::None);
        }
        let span = parse_span(text).filter(|span| !span.is_zero()).ok_or_else(|| {
            let why = "must be none, or a duration such as 24h or 1h30m";
            Problem::invalid(format!("ban_duration {why}.")).field("ban_duration", why)
        })?;
        Ok(Self::For(span.min(LONGEST)))
    }

    /// Returns the end of the ban.
    pub fn until(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::None => None,
            Self::For(span) => Some(now + span),
        }
    }
}

fn parse_span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        total += number.parse::<f64>().ok()? * seconds_in(unit)?;
        rest = tail;
    }
    // Text without any number never enters the loop's sum; an absurdly large one is cut by the caller.
    Duration::try_from_secs_f64(total.min(LONGEST.as_secs_f64())).ok()
}

fn seconds_in(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" | "µs" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}
