//! Roles that an organisation makes for itself.

use quoin_kernel::{Role, Standing, UserId};

use super::house::{House, story};
use super::{active, change, entry, now, revoked, rng};
use crate::TenancyError;
use crate::model::RoleDraft;
use crate::revocations::Revoked;
use crate::service::{self, Change};

async fn put(house: &House, actor: UserId, name: &str, permissions: &[&str]) -> Result<(), TenancyError> {
    let permissions = permissions.iter().map(|held| (*held).to_owned()).collect();
    let role = RoleDraft::new(name, "", permissions).unwrap();
    service::put_role(house.db(), (house.org_id, actor), role, now(), entry(actor)).await
}

async fn delete(house: &House, actor: UserId, name: &str) -> Result<(), TenancyError> {
    service::delete_role(house.db(), (house.org_id, actor), name.to_owned(), entry(actor)).await
}

async fn give(house: &House, actor: UserId, to: UserId, role: &str) -> Result<(), TenancyError> {
    let change = Change { org_id: house.org_id, actor, user_id: to, now: now() };
    service::change_role(house.db(), &rng(), change, role.to_owned(), entry(actor)).await
}

async fn standing(house: &House, user_id: UserId) -> Standing {
    active(house.db(), user_id, Some(house.org_id)).await.unwrap().standing
}

#[tokio::test]
async fn a_role_of_ones_own_allows_what_it_lists_and_changes_hold_at_once() {
    story(|house| async move {
        let bob = house.join(Role::Member).await;
        put(&house, house.owner, "editor", &["posts.publish", "audit.read"]).await.unwrap();
        give(&house, house.owner, bob, "editor").await.unwrap();
        let is = standing(&house, bob).await;
        assert_eq!((is.rank, is.name()), (Role::Member, "editor"));
        assert!(is.allows("audit.read") && is.allows("posts.publish") && !is.allows("members.manage"));
        assert!(
            matches!(revoked(house.db()).await[..], [Revoked::Membership { user_id, .. }] if user_id == bob)
        );
        put(&house, house.owner, "editor", &["posts.publish"]).await.unwrap();
        assert!(!standing(&house, bob).await.allows("audit.read"));
        give(&house, house.owner, bob, "member").await.unwrap();
        assert_eq!(standing(&house, bob).await, Standing::of(Role::Member));
    })
    .await;
}

#[tokio::test]
async fn a_keeper_of_roles_cannot_make_more_of_themselves() {
    story(|house| async move {
        let keeper = house.join(Role::Member).await;
        let friend = house.join(Role::Member).await;
        put(&house, house.owner, "keeper", &["roles.manage", "members.manage"]).await.unwrap();
        put(&house, house.owner, "treasurer", &["billing.manage"]).await.unwrap();
        give(&house, house.owner, keeper, "keeper").await.unwrap();
        let refused = |result: Result<(), TenancyError>| matches!(result, Err(TenancyError::RoleTooLow));
        assert!(refused(put(&house, keeper, "keeper", &["roles.manage", "billing.manage"]).await));
        assert!(refused(put(&house, keeper, "shadow", &["billing.manage"]).await));
        assert!(refused(put(&house, keeper, "treasurer", &[]).await), "nor weaken a stronger role");
        assert!(refused(delete(&house, keeper, "treasurer").await));
        assert!(refused(give(&house, keeper, friend, "treasurer").await));
        assert!(refused(give(&house, keeper, keeper, "treasurer").await));
        assert!(refused(give(&house, keeper, friend, "admin").await));
        assert!(refused(give(&house, keeper, house.owner, "member").await));
        put(&house, keeper, "helper", &["members.manage"]).await.unwrap();
        give(&house, keeper, friend, "helper").await.unwrap();
        assert!(refused(put(&house, friend, "x", &[]).await), "members.manage keeps no roles");
    })
    .await;
}

#[tokio::test]
async fn a_role_in_use_stays_and_built_in_ones_cannot_be_touched() {
    story(|house| async move {
        let bob = house.join(Role::Member).await;
        put(&house, house.owner, "editor", &["posts.publish"]).await.unwrap();
        let default = |name: &'static str| {
            let by = (house.org_id, house.owner);
            service::set_default_role(house.db(), by, name.to_owned(), now(), entry(house.owner))
        };
        give(&house, house.owner, bob, "editor").await.unwrap();
        assert!(matches!(delete(&house, house.owner, "editor").await, Err(TenancyError::RoleInUse)));
        give(&house, house.owner, bob, "member").await.unwrap();
        default("editor").await.unwrap();
        assert!(matches!(delete(&house, house.owner, "editor").await, Err(TenancyError::RoleInUse)));
        assert!(matches!(default("admin").await, Err(TenancyError::DefaultRoleTooHigh)));
        assert!(matches!(default("emperor").await, Err(TenancyError::NoSuchRole)));
        let wish = service::InvitationWish {
            email: "zoe@example.com".parse().unwrap(),
            role: None,
            redirect_to: None,
        };
        let by = (house.org_id, house.owner);
        let sent = service::invite(&house.tenancy, by, wish, &house.origin()).await.unwrap();
        assert_eq!(sent.role, "editor", "the default is what nobody names");
        default("member").await.unwrap();
        assert!(matches!(delete(&house, house.owner, "editor").await, Err(TenancyError::RoleInUse)));
        service::revoke_invitation(&house.tenancy, by, sent.id, &house.origin()).await.unwrap();
        delete(&house, house.owner, "editor").await.unwrap();
        assert!(matches!(delete(&house, house.owner, "editor").await, Err(TenancyError::NoSuchRole)));
        assert!(matches!(delete(&house, house.owner, "owner").await, Err(TenancyError::NoSuchRole)));
        let listed = service::list_roles(house.db(), house.org_id).await.unwrap();
        let names: Vec<_> = listed.iter().map(|role| (role.name.as_str(), role.default)).collect();
        assert_eq!(names, [("owner", false), ("admin", false), ("member", true)]);
    })
    .await;
}

#[tokio::test]
async fn an_organisation_has_fifty_roles_of_its_own_and_no_more() {
    story(|house| async move {
        for index in 0..50 {
            put(&house, house.owner, &format!("role-{index}"), &[]).await.unwrap();
        }
        assert!(matches!(put(&house, house.owner, "one-more", &[]).await, Err(TenancyError::TooManyRoles)));
        put(&house, house.owner, "role-7", &["posts.publish"]).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_transfers_at_once_hand_the_organisation_over_once() {
    story(|house| async move {
        let mut heirs = Vec::new();
        for _ in 0..50 {
            heirs.push(house.join(Role::Member).await);
        }
        let mut tries = tokio::task::JoinSet::new();
        for heir in heirs {
            let house = house.clone();
            tries.spawn(async move {
                let change = Change { org_id: house.org_id, actor: house.owner, user_id: heir, now: now() };
                service::transfer(house.db(), &rng(), change, entry(house.owner)).await
            });
        }
        let results = tries.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert_eq!(super::owners(house.db(), house.org_id).await, 1);
        assert_eq!(standing(&house, house.owner).await, Standing::of(Role::Admin));
    })
    .await;
}

#[tokio::test]
async fn ownership_is_handed_to_another_member_by_an_owner_only() {
    story(|house| async move {
        let admin = house.join(Role::Admin).await;
        let transfer = |actor: UserId, user_id: UserId| {
            let change = Change { org_id: house.org_id, actor, user_id, now: now() };
            let (db, entry) = (house.db().clone(), entry(actor));
            async move { service::transfer(&db, &rng(), change, entry).await }
        };
        assert!(matches!(transfer(admin, admin).await, Err(TenancyError::RoleTooLow)));
        assert!(matches!(transfer(house.owner, house.owner).await, Err(TenancyError::TransferToOneself)));
        assert!(matches!(transfer(house.owner, super::person()).await, Err(TenancyError::NoSuchMember)));
        transfer(house.owner, admin).await.unwrap();
        assert_eq!(standing(&house, admin).await.rank, Role::Owner);
        assert_eq!(revoked(house.db()).await.len(), 2, "both fetch new tokens");
        let back = change(house.db(), house.org_id, (house.owner, admin), Role::Member).await;
        assert!(matches!(back, Err(TenancyError::RoleTooLow)));
    })
    .await;
}
