use quoin_kernel::Role;

use super::{OrgName, may_change};

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

#[test]
fn only_owners_touch_ownership() {
    assert!(may_change(Role::Owner, Role::Owner, None));
    assert!(may_change(Role::Owner, Role::Member, Some(Role::Owner)));
    assert!(may_change(Role::Admin, Role::Member, Some(Role::Admin)));
    assert!(may_change(Role::Admin, Role::Admin, None));
    assert!(!may_change(Role::Admin, Role::Member, Some(Role::Owner)));
    assert!(!may_change(Role::Admin, Role::Owner, Some(Role::Member)));
    assert!(!may_change(Role::Admin, Role::Owner, None));
    assert!(!may_change(Role::Member, Role::Member, Some(Role::Admin)));
}
