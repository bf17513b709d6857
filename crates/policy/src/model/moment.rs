//! Reading and writing moments and dates as PostgreSQL does.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::civil::Date;
use quoin_kernel::Timestamp;

/// Says why a text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadMoment {
    /// The text has another form.
    Syntax,
    /// A field is out of its range, such as month 13.
    Range,
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads `2026-08-01T12:00:00.5+02:00`, with a space for the `T`, without a zone (UTC), or a bare date (midnight).
pub fn parse_moment(text: &str) -> Result<Timestamp, BadMoment> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10).ok_or(BadMoment::Syntax)?;
    let days = days_since_epoch(parse_date(date)?);
    let mut micros = 0;
    let mut offset_s = 0;
    if !rest.is_empty() {
        let clock = rest.strip_prefix(['T', 't', ' ']).ok_or(BadMoment::Syntax)?;
        let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
        let (time, zone) = clock.split_at(zone_at);
        micros = parse_clock(time.trim_end())?;
        offset_s = parse_zone(zone)?;
    }
    let total = (days * SECONDS_PER_DAY - offset_s) * MICROS_PER_SECOND + micros;
    let moment = Timestamp::from_micros(total);
    // The years 1 to 9999 keep text order and time order the same.
    let first = days_since_epoch(Date::constant(1, 1, 1)) * SECONDS_PER_DAY * MICROS_PER_SECOND;
    let last = (days_since_epoch(Date::constant(9999, 12, 31)) + 1) * SECONDS_PER_DAY * MICROS_PER_SECOND;
    if (first..last).contains(&total) { Ok(moment) } else { Err(BadMoment::Range) }
}

/// Reads `2026-08-01`.
pub fn parse_date(text: &str) -> Result<Date, BadMoment> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return Err(BadMoment::Syntax);
    }
    let year = i16::try_from(number(&text[..4])?).map_err(|_| BadMoment::Range)?;
    let month = i8::try_from(number(&text[5..7])?).map_err(|_| BadMoment::Range)?;
    let day = i8::try_from(number(&text[8..10])?).map_err(|_| BadMoment::Range)?;
    if year == 0 {
        return Err(BadMoment::Range);
    }
    Date::new(year, month, day).map_err(|_| BadMoment::Range)
}

fn days_since_epoch(date: Date) -> i64 {
    let epoch = Date::constant(1970, 1, 1);
    epoch.until(date).map_or(0, |span| i64::from(span.get_days()))
}

/// Reads `12:00`, `12:00:00` or `12:00:00.123456` as microseconds of the day.
fn parse_clock(text: &str) -> Result<i64, BadMoment> {
    let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, rest)| (clock, Some(rest)));
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] if fraction.is_none() => (two_digits(hours)?, two_digits(minutes)?, 0),
        [hours, minutes, seconds] => (two_digits(hours)?, two_digits(minutes)?, two_digits(seconds)?),
        _ => return Err(BadMoment::Syntax),
    };
    let beyond_midnight = hours == 24 && (minutes, seconds) != (0, 0);
    if hours > 24 || minutes > 59 || seconds > 60 || beyond_midnight {
        return Err(BadMoment::Range);
    }
    let micros = fraction.map_or(Ok(0), parse_fraction)?;
    Ok((hours * 3600 + minutes * 60 + seconds) * MICROS_PER_SECOND + micros)
}

/// Reads digits after the point; the seventh rounds.
fn parse_fraction(text: &str) -> Result<i64, BadMoment> {
    if text.is_empty() || text.len() > 30 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadMoment::Syntax);
    }
    let padded = format!("{text:0<7}");
    let micros = number(&padded[..6])?;
    Ok(if padded.as_bytes()[6] >= b'5' { micros + 1 } else { micros })
}

/// Reads `Z`, `+02`, `+0200` or `+02:00` as seconds; nothing is UTC.
fn parse_zone(text: &str) -> Result<i64, BadMoment> {
    let sign = match text.as_bytes().first() {
        None => return Ok(0),
        Some(b'Z' | b'z') if text.len() == 1 => return Ok(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return Err(BadMoment::Syntax),
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let colon_at = text.find(':').unwrap_or(3);
    let (hours, minutes) = match digits.len() {
        2 if text.len() == 3 => (two_digits(&digits)?, 0),
        4 if colon_at == 3 => (two_digits(&digits[..2])?, two_digits(&digits[2..])?),
        _ => return Err(BadMoment::Syntax),
    };
    if hours > 15 || minutes > 59 {
        return Err(BadMoment::Range);
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

fn two_digits(text: &str) -> Result<i64, BadMoment> {
    if text.len() == 2 { number(text) } else { Err(BadMoment::Syntax) }
}

fn number(text: &str) -> Result<i64, BadMoment> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| BadMoment::Syntax)
    } else {
        Err(BadMoment::Syntax)
    }
}

/// Writes a moment as the contract's answers do: `2026-08-01T12:00:00.5+00:00`, without zeros at the end.
pub fn write_moment(moment: Timestamp, out: &mut String) {
    let full = moment.to_string();
    // `Timestamp` writes 27 characters: seconds end at 19, the fraction at 26.
    out.push_str(&full[..19]);
    let fraction = full[20..26].trim_end_matches('0');
    if !fraction.is_empty() {
        let _ = write!(out, ".{fraction}");
    }
    out.push_str("+00:00");
}
