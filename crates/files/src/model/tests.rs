//! Pure rules.

use quoin_kernel::rng::SystemRng;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{ApiKeyId, Issuer, OrgId, Timestamp};
use serde_json::json;

use super::name::parse_size;
use super::ticket::{Purpose, Signer, Ticket};
use super::{BucketName, BucketRules, ObjectName, Owner, StoreKey, VersionId};

fn now() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

#[test]
fn what_is_kept_under_a_key_cannot_leave_the_directory() {
    let owner = Owner::Organization(OrgId::new(now(), &SystemRng::default()));
    let version = VersionId::new(now(), &SystemRng::default());
    for name in ["docs", "a b", "x&y=z;", "semi.colon", "(1)"] {
        let key = StoreKey::new(owner, &BucketName::new(name).unwrap(), version);
        assert_eq!(StoreKey::parse(key.as_str()), Some(key.clone()), "{name}");
        assert_eq!((key.as_str().matches('/').count(), key.version()), (2, Some(version)));
    }
    let id = version.to_string();
    for wrong in [
        "../etc/passwd",
        "a/../b",
        "a/b/c",
        &format!("a//{id}"),
        &format!("/a/{id}"),
        &format!("a/.b/{id}"),
        &format!("a/b/{id}/c"),
    ] {
        assert_eq!(StoreKey::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn names_are_read_as_people_write_them() {
    for name in ["a", "folder/leaf.txt", "ümlaut/日本語.pdf", "a b (1).txt", &"x".repeat(1024)] {
        assert!(ObjectName::new(name).is_ok(), "{name}");
    }
    for name in [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "a/./b",
        "..",
        " a",
        "a /b",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\tb",
        "a%b",
        "a\\b",
        &"x".repeat(1025),
    ] {
        assert!(ObjectName::new(name).is_err(), "{name:?}");
    }
    let name = ObjectName::new("a/b/c.txt").unwrap();
    assert_eq!((name.folder(), name.leaf()), ("a/b", "c.txt"));
}

#[test]
fn sizes_are_read_in_powers_of_a_thousand() {
    for (written, bytes) in [
        (json!(5), 5),
        (json!("5"), 5),
        (json!("1kb"), 1000),
        (json!("1.5 MB"), 1_500_000),
        (json!("2GB"), 2_000_000_000),
    ] {
        assert_eq!(parse_size(&written).ok(), Some(bytes), "{written}");
    }
    for wrong in
        [json!(-1), json!(1.5), json!("x"), json!("1zb"), json!("999999999999GB"), json!(null), json!([])]
    {
        assert!(parse_size(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn types_match_by_family_and_without_parameters() {
    let rules = BucketRules {
        allowed_types: Some(vec!["image/*".into(), "Text/Plain".into()]),
        ..BucketRules::default()
    };
    for fits in ["image/png", "IMAGE/WEBP", "text/plain; charset=utf-8"] {
        assert!(rules.demand_type(fits).is_ok(), "{fits}");
    }
    for other in ["text/html", "imagex/png", "application/octet-stream", ""] {
        assert!(rules.demand_type(other).is_err(), "{other}");
    }
    let nonsense = BucketRules { allowed_types: Some(vec!["x\r\ny/z".into()]), ..BucketRules::default() };
    assert!(nonsense.check().is_err());
}

#[test]
fn a_ticket_is_read_as_it_was_written_and_by_its_own_instance_alone() {
    let rng = SystemRng::default();
    let ticket = Ticket {
        purpose: Purpose::Read,
        bucket: BucketName::new("docs").unwrap(),
        name: ObjectName::new("a/ü.txt").unwrap(),
        owner: Owner::Organization(OrgId::new(now(), &rng)),
        issuer: Issuer::Key { key_id: ApiKeyId::new(now(), &rng) },
        expires_at: now() + std::time::Duration::from_micros(1),
        upload: None,
        wish: None,
    };
    let signer = Signer::new(&MasterKey::new([1; 32]));
    let text = signer.sign(&ticket);
    assert_eq!(signer.read(&text, now()).unwrap(), ticket);
    assert!(signer.read(&text, ticket.expires_at).is_err(), "its very end is too late");
    assert!(Signer::new(&MasterKey::new([2; 32])).read(&text, now()).is_err());
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(signer.read(&changed, now()).map_or(true, |read| read == ticket), "{at}");
    }
}
