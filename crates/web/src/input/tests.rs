use super::text::{check_json_text, check_url_text};

#[test]
fn escapes_of_nul_are_found_and_escaped_backslashes_are_not_mistaken_for_them() {
    assert!(check_json_text(br#""\u0000""#).is_err());
    assert!(check_json_text(br#""\\\u0000""#).is_err());
    assert!(check_json_text(br#""\\u0000""#).is_ok());
    assert!(check_json_text(br#""\"[[[""#).is_ok());
}

#[test]
fn percent_escapes_must_decode_to_text() {
    for good in ["a%20b", "%C3%A9", "100%", "%zz", "%2", ""] {
        assert!(check_url_text(good.as_bytes()).is_ok(), "{good}");
    }
    for bad in ["%00", "a%00b", "%ff", "%C3", "%c3%28", "%ed%a0%80"] {
        assert!(check_url_text(bad.as_bytes()).is_err(), "{bad}");
    }
}
