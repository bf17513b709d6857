use super::EmailAddress;

#[test]
fn an_address_that_is_stored_can_be_read_again() {
    let long = format!("a@{}com", "ü".repeat(20) + "." + &("ü".repeat(20) + ".").repeat(4));
    let many = "\u{212a}".repeat(20) + "@example.com";
    for text in
        ["Ann@Example.COM", "\u{212a}elvin@example.com", "ann@bücher.example", "ß@example.com", &long, &many]
    {
        let Ok(address) = text.parse::<EmailAddress>() else { continue };
        assert_eq!(address.as_str().parse::<EmailAddress>().unwrap(), address, "{text}");
    }
}

#[test]
fn an_address_whose_lower_case_is_none_is_refused() {
    for text in ["\u{130}@example.com".to_owned(), "\u{130}".repeat(32) + "@example.com"] {
        assert!(text.parse::<EmailAddress>().is_err(), "{text}");
    }
}

#[test]
fn an_address_holds_no_second_header() {
    for text in
        ["a\r\nBcc: b@example.com", "a@example.com\r\nBcc: b@example.org", "<a>@example.com", "a@[127.0.0.1]"]
    {
        assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
    }
}
