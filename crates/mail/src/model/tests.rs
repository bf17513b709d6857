use super::{Sender, links_in};

#[test]
fn a_sender_is_an_address_with_or_without_a_name() {
    let with_name: Sender = "Acme, Inc. <Hello@Acme.example>".parse().unwrap();
    assert_eq!(with_name.name.as_deref(), Some("Acme, Inc."));
    assert_eq!(with_name.address.as_str(), "hello@acme.example");
    let bare: Sender = "hello@acme.example".parse().unwrap();
    assert_eq!(bare.to_string(), "hello@acme.example");
}

#[test]
fn a_sender_cannot_carry_further_headers() {
    assert!("Acme\r\nBcc: all@acme.example <hello@acme.example>".parse::<Sender>().is_err());
    assert!("hello@acme.example\nBcc: x".parse::<Sender>().is_err());
    assert!("Acme <hello>".parse::<Sender>().is_err());
}

#[test]
fn links_are_found_in_order_and_once() {
    let text = "Confirm: https://a.example/verify?token=x&type=signup\n\n(see http://b.example/help).\n\
                https://a.example/verify?token=x&type=signup";
    assert_eq!(links_in(text), ["https://a.example/verify?token=x&type=signup", "http://b.example/help"]);
}
