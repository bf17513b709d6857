use quoin_kernel::{Id, Secret};

use super::InvalidSmtpUrl;
use super::smtp::compose;
use super::smtp_url::{Encryption, SmtpUrl};
use crate::model::Message;

fn parse(url: &str) -> Result<SmtpUrl, InvalidSmtpUrl> {
    SmtpUrl::parse(&Secret::new(url.to_owned()))
}

#[test]
fn a_url_says_how_the_connection_is_encrypted() {
    let implicit = parse("smtps://user%40acme:p%2Fw@email-smtp.eu-west-1.amazonaws.com").unwrap();
    assert_eq!((implicit.port, implicit.encryption), (465, Encryption::Implicit));
    let (user, password) = implicit.credentials.unwrap();
    assert_eq!((user.as_str(), password.expose().as_str()), ("user@acme", "p/w"));
    let starttls = parse("smtp://u:p@mail.example:2587?tls=required").unwrap();
    assert_eq!((starttls.port, starttls.encryption), (2587, Encryption::StartTls));
    let default = parse("smtp://u:p@mail.example").unwrap();
    assert_eq!((default.port, default.encryption), (587, Encryption::StartTls));
}

#[test]
fn nothing_is_sent_without_encryption_by_accident() {
    assert_eq!(parse("smtp://127.0.0.1:1025?tls=none").unwrap().encryption, Encryption::None);
    assert_eq!(parse("smtp://localhost?tls=none").unwrap().port, 25);
    assert!(matches!(parse("smtp://u:p@mail.example?tls=none"), Err(InvalidSmtpUrl::Unencrypted)));
    assert!(parse("smtp://u:p@mail.example?tls=none&insecure=yes").is_ok());
    assert!(matches!(parse("smtps://mail.example?tls=none"), Err(InvalidSmtpUrl::Tls)));
    assert!(matches!(parse("smtp://mail.example?tls=opportunistic"), Err(InvalidSmtpUrl::Tls)));
}

#[test]
fn a_url_that_is_refused_is_not_repeated() {
    for url in
        ["http://u:secret@mail.example", "smtp://u@mail.example", "smtp://u:secret%zz@mail.example", "secret"]
    {
        let refused = parse(url).unwrap_err().to_string();
        assert!(!refused.contains("secret"), "{refused}");
    }
}

fn message(subject: &str) -> Message {
    Message {
        id: Id::from_uuid(uuid::Uuid::nil()),
        from: "Äcme, Inc. <hello@acme.example>".parse().unwrap(),
        to: "alice@example.com".parse().unwrap(),
        subject: subject.to_owned(),
        text: "Grüße\nhttps://acme.example/x".to_owned(),
        html: "<p>Grüße</p>".to_owned(),
        date: "2026-08-01T12:00:00Z".parse().unwrap(),
    }
}

fn written(subject: &str) -> String {
    String::from_utf8(compose(&message(subject)).unwrap().formatted()).unwrap()
}

#[test]
fn a_message_says_that_a_machine_wrote_it_and_when() {
    let text = written("Welcome");
    assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
    assert!(text.contains("Message-ID: <00000000-0000-0000-0000-000000000000@acme.example>\r\n"), "{text}");
    assert!(text.contains("Date: Sat, 01 Aug 2026 12:00:00 +0000\r\n"), "{text}");
    assert!(text.contains("Content-Type: multipart/alternative;"), "{text}");
    assert!(text.is_ascii(), "older servers take nothing else");
}

#[test]
fn a_subject_cannot_become_further_headers() {
    let text = written("Hi\r\nBcc: everybody@acme.example\r\n\r\nbody");
    let headers = text.split("\r\n\r\n").next().unwrap();
    assert!(!headers.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc:")), "{headers}");
}
