use quoin_kernel::{CustomRole, Role, Standing};

use super::{OrgName, RoleDraft, may_change, may_give, name_in_mail};

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
