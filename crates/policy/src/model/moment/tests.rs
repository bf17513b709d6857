use super::*;

fn shown(text: &str) -> Result<String, BadMoment> {
    parse_moment(text).map(|moment| {
        let mut out = String::new();
        write_moment(moment, &mut out);
        out
    })
}

#[test]
fn moments_are_read_in_every_accepted_form_and_written_in_utc() {
    assert_eq!(shown("2026-08-01T12:00:00.5+02:00").as_deref(), Ok("2026-08-01T10:00:00.5+00:00"));
    assert_eq!(shown("2026-08-01 12:00").as_deref(), Ok("2026-08-01T12:00:00+00:00"));
    assert_eq!(shown("2026-08-01").as_deref(), Ok("2026-08-01T00:00:00+00:00"));
    assert_eq!(shown("2026-08-01T12:00:00-0530").as_deref(), Ok("2026-08-01T17:30:00+00:00"));
    assert_eq!(shown("2026-08-01T23:59:59.9999999Z").as_deref(), Ok("2026-08-02T00:00:00+00:00"));
    assert_eq!(shown("0001-01-01T00:00:00Z").as_deref(), Ok("0001-01-01T00:00:00+00:00"));
}

#[test]
fn what_is_no_moment_is_told_from_what_is_out_of_range() {
    for text in ["", "now", "2026-8-1", "2026-08-01T", "2026-08-01T1:00", "2026-08-01T12:00:00 CET", "12:00"]
    {
        assert_eq!(shown(text), Err(BadMoment::Syntax), "{text}");
    }
    for text in ["2026-13-01", "2026-02-29", "2026-08-01T25:00", "2026-08-01T12:60:00", "0000-01-01"] {
        assert_eq!(shown(text), Err(BadMoment::Range), "{text}");
    }
}
