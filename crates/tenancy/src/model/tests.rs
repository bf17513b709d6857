use std::time::Duration;

use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Aal, CustomRole, OrgId, Role, Secret, Standing, Timestamp};

use super::{
    Bar, ConnectionWish, DomainName, OrgName, OrgStatus, Policy, RoleDraft, SessionFacts, may_change,
    may_give, name_in_mail,
};

#[test]
fn a_name_is_trimmed_and_shows_what_it_is() {
    assert_eq!(OrgName::new("  Acme  ").unwrap().as_str(), "Acme");
    assert!(OrgName::new(&"x".repeat(101)).is_none());
    for unusable in ["", "   ", "a\nb", "a\u{0}b", "evil\u{202e}emca", "\u{200b}"] {
        assert!(OrgName::new(unusable).is_none(), "{unusable:?}");
    }
}

#[test]
fn a_personal_organisation_always_gets_a_name() {
    assert_eq!(OrgName::personal("alice").as_str(), "alice");
    assert_eq!(OrgName::personal("\u{202e}\n").as_str(), "Personal");
    assert!(OrgName::new(OrgName::personal(&"é".repeat(300)).as_str()).is_some());
}

const OWNER: Standing = Standing::of(Role::Owner);
const ADMIN: Standing = Standing::of(Role::Admin);
const MEMBER: Standing = Standing::of(Role::Member);

fn custom(permissions: &[&str]) -> Standing {
    let permissions = permissions.iter().map(|held| (*held).to_owned()).collect();
    Standing { rank: Role::Member, custom: Some(CustomRole { name: "custom".to_owned(), permissions }) }
}

#[test]
fn only_owners_touch_ownership() {
    assert!(may_change(&OWNER, &OWNER, None));
    assert!(may_change(&OWNER, &MEMBER, Some(&OWNER)));
    assert!(may_change(&ADMIN, &MEMBER, Some(&ADMIN)));
    assert!(may_change(&ADMIN, &ADMIN, None));
    assert!(!may_change(&ADMIN, &MEMBER, Some(&OWNER)));
    assert!(!may_change(&ADMIN, &OWNER, Some(&MEMBER)));
    assert!(!may_change(&ADMIN, &OWNER, None));
    assert!(!may_change(&MEMBER, &MEMBER, Some(&ADMIN)));
    assert!(!may_change(&MEMBER, &MEMBER, None));
}

#[test]
fn nobody_gives_or_takes_more_than_they_hold() {
    let recruiter = custom(&["members.manage", "posts.publish"]);
    let (writer, editor) = (custom(&["posts.publish"]), custom(&["posts.publish", "posts.delete"]));
    assert!(may_change(&recruiter, &MEMBER, Some(&writer)));
    assert!(may_change(&recruiter, &recruiter, Some(&MEMBER)));
    assert!(!may_change(&recruiter, &MEMBER, Some(&editor)));
    assert!(!may_change(&recruiter, &editor, None));
    assert!(!may_change(&recruiter, &MEMBER, Some(&ADMIN)));
    assert!(!may_change(&recruiter, &ADMIN, Some(&MEMBER)));
    assert!(!may_change(&writer, &MEMBER, None), "without members.manage nobody is managed");
    assert!(may_give(&ADMIN, &editor) && may_give(&OWNER, &editor));
}

#[test]
fn a_role_has_a_name_that_no_policy_mistakes_and_permissions_that_name_something() {
    let permissions = vec!["posts.publish".to_owned(), "audit.read".to_owned(), "posts.publish".to_owned()];
    let role = RoleDraft::new("senior-editor_2", " Edits. ", permissions).unwrap();
    assert_eq!((role.description.as_str(), role.permissions.len()), ("Edits.", 2));
    for name in ["", "owner", "admin", "member", "service_role", "Editor", "2nd", "a b", "é", &"x".repeat(41)]
    {
        assert_eq!(RoleDraft::new(name, "", vec![]).unwrap_err().0, "name", "{name:?}");
    }
    for permission in
        ["", "*", "posts", "posts.*", ".publish", "posts.", "Posts.publish", "posts.Publish", "a.b\n"]
    {
        let refused = RoleDraft::new("editor", "", vec![permission.to_owned()]).unwrap_err();
        assert_eq!(refused.0, "permissions", "{permission:?}");
    }
    let many = (0..101).map(|n| format!("a.b{n}")).collect();
    assert_eq!(RoleDraft::new("editor", "", many).unwrap_err().0, "permissions");
    assert_eq!(RoleDraft::new("editor", "a\u{0}b", vec![]).unwrap_err().0, "description");
}

#[test]
fn an_organisations_name_becomes_no_link_in_a_mail() {
    let shown = name_in_mail("Win at https://evil.example/x.y now. Really");
    assert!(!shown.contains("://") && !shown.contains("evil.example"), "{shown}");
    assert!(shown.ends_with("now. Really"));
    assert_eq!(name_in_mail("Acme Inc. & Sons"), "Acme Inc. & Sons");
}

#[test]
fn a_domain_has_one_form_and_nobody_claims_what_others_register_under() {
    for (text, name) in [
        (" Example.COM. ", "example.com"),
        ("mail.example.co.uk", "mail.example.co.uk"),
        ("B\u{fc}cher.example", "xn--bcher-kva.example"),
        ("acme.github.io", "acme.github.io"),
    ] {
        assert_eq!(DomainName::parse(text).unwrap().as_str(), name);
    }
    for text in [
        "com",
        "co.uk",
        "github.io",
        "CO.UK.",
        "xn--p1ai",
        "",
        ".",
        "example",
        "a..com",
        "-",
        "127.0.0.1",
        "[::1]",
        "exam ple.com",
        "a@b.com",
        "example.com/x",
        "*.example.com",
        "_x.com\0",
    ] {
        assert!(DomainName::parse(text).is_err(), "{text:?}");
    }
    let long = format!("{}.com", ["a".repeat(63).as_str(); 3].join("."));
    assert!(DomainName::parse(&long).is_ok());
    assert!(DomainName::parse(&format!("{}.{long}", "a".repeat(50))).is_err());
}

#[test]
fn a_provider_is_reached_by_https_and_its_secret_is_never_empty() {
    let wish = |issuer: &str, secret: Option<&str>| ConnectionWish {
        issuer: issuer.to_owned(),
        client_id: "quoin".to_owned(),
        client_secret: secret.map(|text| Secret::new(text.to_owned())),
    };
    assert!(wish("https://idp.example/realms/x", Some("s")).check(false).is_ok());
    assert!(wish("http://127.0.0.1:3000", None).check(true).is_ok());
    for (issuer, secret) in [
        ("http://idp.example", None),
        ("https://idp.example?x=1", None),
        ("https://idp.example/#x", None),
        ("https://u:p@idp.example", None),
        ("file:///etc/passwd", None),
        ("idp.example", None),
        ("https://idp.example", Some("")),
    ] {
        assert!(wish(issuer, secret).check(false).is_err(), "{issuer}");
    }
}

#[test]
fn a_required_provider_shuts_other_doors_once_its_time_has_come() {
    let rng = SystemRng::default();
    let now: Timestamp = "2026-08-01T12:00:00Z".parse().unwrap();
    let (own, other) = (OrgId::new(now, &rng), OrgId::new(now, &rng));
    let policy = Policy {
        org_id: own,
        status: OrgStatus::Active,
        mfa_required: true,
        session_lifetime: None,
        sso_required_from: Some(now),
    };
    let facts = |sso_org_id, now| SessionFacts { aal: Aal::Aal1, authenticated_at: now, sso_org_id, now };
    let before = now - Duration::from_secs(1);
    assert_eq!(policy.bars(&facts(None, now)), Some(Bar::SsoRequired));
    assert_eq!(policy.bars_activation(&facts(None, before)), None);
    assert_eq!(policy.ends_session_at(&facts(None, before)), Some(now));
    assert_eq!(policy.bars(&facts(Some(own), now)), None, "the provider shows its own second factor");
    assert_eq!(policy.ends_session_at(&facts(Some(own), now)), None);
    assert_eq!(policy.bars(&facts(Some(other), before)), Some(Bar::Confined));
}
