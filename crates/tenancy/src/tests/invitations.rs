//! Invitations: who may send them, who may accept them, and how often.

use std::time::Duration;

use quoin_kernel::page::Page;
use quoin_kernel::{Role, UserId};

use super::house::{House, story};
use super::{ALL, active, change, remove};
use crate::TenancyError;
use crate::model::{InvitationOut, Organization};
use crate::service::{self, InvitationWish};

const BOB: &str = "bob@example.com";

async fn invite(
    house: &House,
    actor: UserId,
    email: &str,
    role: &str,
) -> Result<InvitationOut, TenancyError> {
    let wish =
        InvitationWish { email: email.parse().unwrap(), role: Some(role.to_owned()), redirect_to: None };
    service::invite(&house.tenancy, (house.org_id, actor), wish, &house.origin()).await
}

async fn accept(house: &House, user_id: UserId, token: &str) -> Result<Organization, TenancyError> {
    service::accept_invitation(&house.tenancy, token, user_id, &house.origin()).await
}

async fn newest(house: &House, email: &str) -> String {
    house.tokens(email).await.pop().unwrap()
}

fn is_dead<T>(result: &Result<T, TenancyError>) -> bool {
    matches!(result, Err(TenancyError::InvitationNotValid))
}

#[tokio::test]
async fn the_reader_of_the_address_joins_once_with_the_role_they_were_given() {
    story(|house| async move {
        let bob = house.person(BOB);
        let sent = invite(&house, house.owner, "Bob@Example.com", "admin").await.unwrap();
        assert_eq!((sent.email.as_str(), sent.status), (BOB, "pending"));
        let token = newest(&house, BOB).await;
        let shown = service::peek_invitation(&house.tenancy, &token, house.origin().now).await.unwrap();
        assert_eq!((shown.organization.as_str(), shown.role.as_str()), ("Acme", "admin"));
        let joined = accept(&house, bob, &token).await.unwrap();
        assert_eq!((joined.id, joined.role.as_str()), (house.org_id, "admin"));
        assert_eq!(active(house.db(), bob, None).await.unwrap().standing.rank, Role::Admin);
        assert!(is_dead(&accept(&house, bob, &token).await));
        let peeked = service::peek_invitation(&house.tenancy, &token, house.origin().now).await;
        assert!(is_dead(&peeked));
    })
    .await;
}

#[tokio::test]
async fn only_the_proved_owner_of_the_address_may_accept_and_a_refusal_uses_nothing_up() {
    story(|house| async move {
        invite(&house, house.owner, BOB, "member").await.unwrap();
        let token = newest(&house, BOB).await;
        let mallory = house.person("mallory@example.com");
        assert!(matches!(accept(&house, mallory, &token).await, Err(TenancyError::OtherAddress)));
        let unproved = super::person();
        assert!(matches!(accept(&house, unproved, &token).await, Err(TenancyError::AddressNotConfirmed)));
        assert!(is_dead(&accept(&house, mallory, "guessed").await));
        let bob = house.person(BOB);
        accept(&house, bob, &token).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_acceptances_at_once_make_one_member() {
    story(|house| async move {
        let bob = house.person(BOB);
        invite(&house, house.owner, BOB, "member").await.unwrap();
        let token = newest(&house, BOB).await;
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (house, token) = (house.clone(), token.clone());
            tries.spawn(async move { accept(&house, bob, &token).await });
        }
        let results = tries.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().filter(|result| result.is_err()).all(is_dead));
        assert_eq!(service::list_members(house.db(), house.org_id, ALL).await.unwrap().data.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_acceptances_and_a_revocation_at_once_one_side_wins() {
    story(|house| async move {
        let bob = house.person(BOB);
        let sent = invite(&house, house.owner, BOB, "member").await.unwrap();
        let token = newest(&house, BOB).await;
        let mut tries = tokio::task::JoinSet::new();
        for index in 0..50 {
            let (house, token) = (house.clone(), token.clone());
            tries.spawn(async move {
                if index == 25 {
                    let by = (house.org_id, house.owner);
                    service::revoke_invitation(&house.tenancy, by, sent.id, &house.origin()).await
                } else {
                    accept(&house, bob, &token).await.map(drop)
                }
            });
        }
        let results = tries.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    })
    .await;
}

#[tokio::test]
async fn a_newer_mail_a_revocation_and_time_each_end_a_link() {
    story(|house| async move {
        let bob = house.person(BOB);
        let by = (house.org_id, house.owner);
        let sent = invite(&house, house.owner, BOB, "member").await.unwrap();
        let first = newest(&house, BOB).await;
        house.advance(Duration::from_secs(1));
        service::resend_invitation(&house.tenancy, by, sent.id, None, &house.origin()).await.unwrap();
        let second = newest(&house, BOB).await;
        assert!(first != second && is_dead(&accept(&house, bob, &first).await));
        house.advance(Duration::from_hours(7 * 24));
        assert!(is_dead(&accept(&house, bob, &second).await), "seven days are the end");
        let now = house.origin().now;
        let listed = service::list_invitations(&house.tenancy, house.org_id, ALL, now).await.unwrap();
        assert_eq!(listed.data[0].status, "expired");
        invite(&house, house.owner, BOB, "member").await.unwrap();
        let third = newest(&house, BOB).await;
        let listed = service::list_invitations(&house.tenancy, house.org_id, ALL, now).await.unwrap();
        assert_eq!(listed.data.len(), 1, "the expired one has made room");
        service::revoke_invitation(&house.tenancy, by, listed.data[0].id, &house.origin()).await.unwrap();
        assert!(is_dead(&accept(&house, bob, &third).await));
        let again = service::revoke_invitation(&house.tenancy, by, listed.data[0].id, &house.origin()).await;
        assert!(matches!(again, Err(TenancyError::NoSuchInvitation)));
    })
    .await;
}

#[tokio::test]
async fn nobody_invites_to_more_than_they_hold_nor_twice_nor_a_member() {
    story(|house| async move {
        let (admin, member) = (house.join(Role::Admin).await, house.join(Role::Member).await);
        let refused =
            |result: &Result<InvitationOut, TenancyError>| matches!(result, Err(TenancyError::RoleTooLow));
        assert!(refused(&invite(&house, admin, BOB, "owner").await));
        assert!(refused(&invite(&house, member, BOB, "member").await));
        let stranger = invite(&house, super::person(), BOB, "member").await;
        assert!(matches!(stranger, Err(TenancyError::NoSuchOrganization)));
        let nothing = invite(&house, admin, BOB, "emperor").await;
        assert!(matches!(nothing, Err(TenancyError::NoSuchRole)));
        let himself = invite(&house, admin, "owner@example.com", "member").await;
        assert!(matches!(himself, Err(TenancyError::AlreadyMember)));
        invite(&house, admin, BOB, "admin").await.unwrap();
        assert!(matches!(invite(&house, admin, BOB, "member").await, Err(TenancyError::AlreadyInvited)));
        assert_eq!(house.tokens(BOB).await.len(), 1, "refusals send no mail");
        let owners = invite(&house, house.owner, "eve@example.com", "owner").await.unwrap();
        let by = (house.org_id, admin);
        let taken = service::revoke_invitation(&house.tenancy, by, owners.id, &house.origin()).await;
        assert!(
            matches!(taken, Err(TenancyError::RoleTooLow)),
            "an admin does not touch an owner's invitation"
        );
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_worth_no_more_than_its_sender_is_by_then() {
    story(|house| async move {
        let (bob, eve) = (house.person(BOB), house.person("eve@example.com"));
        let leaving = house.join(Role::Admin).await;
        let demoted = house.join(Role::Admin).await;
        invite(&house, leaving, BOB, "admin").await.unwrap();
        let sent = invite(&house, demoted, "eve@example.com", "member").await.unwrap();
        remove(house.db(), house.org_id, house.owner, leaving).await.unwrap();
        change(house.db(), house.org_id, (house.owner, demoted), Role::Member).await.unwrap();
        assert!(is_dead(&accept(&house, bob, &newest(&house, BOB).await).await));
        assert!(is_dead(&accept(&house, eve, &newest(&house, "eve@example.com").await).await));
        let by = (house.org_id, house.owner);
        house.advance(Duration::from_secs(1));
        service::resend_invitation(&house.tenancy, by, sent.id, None, &house.origin()).await.unwrap();
        accept(&house, eve, &newest(&house, "eve@example.com").await).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn known_and_unknown_addresses_are_invited_alike() {
    story(|house| async move {
        house.person(BOB);
        let known = invite(&house, house.owner, BOB, "member").await.unwrap();
        let unknown = invite(&house, house.owner, "nob@example.com", "member").await.unwrap();
        let shape = |sent: &InvitationOut| (sent.role.clone(), sent.status, sent.expires_at, sent.created_at);
        assert_eq!(shape(&known), shape(&unknown));
        assert_eq!(house.tokens(BOB).await.len(), house.tokens("nob@example.com").await.len());
    })
    .await;
}

#[tokio::test]
async fn pages_of_invitations_hold_each_once_and_no_other_organisations() {
    story(|house| async move {
        for index in 0..5 {
            invite(&house, house.owner, &format!("p{index}@example.com"), "member").await.unwrap();
        }
        let other = super::create(house.db(), house.owner).await;
        let now = house.origin().now;
        let first = Page { limit: 3, after: None };
        let first = service::list_invitations(&house.tenancy, house.org_id, first, now).await.unwrap();
        let after = first.data.last().map(|sent| sent.id.uuid());
        let rest = Page { limit: 3, after };
        let rest = service::list_invitations(&house.tenancy, house.org_id, rest, now).await.unwrap();
        let mut seen: Vec<_> = first.data.iter().chain(&rest.data).map(|sent| sent.id).collect();
        seen.dedup();
        assert_eq!((first.data.len(), rest.data.len(), seen.len()), (3, 2, 5));
        let others = service::list_invitations(&house.tenancy, other, ALL, now).await.unwrap();
        assert!(others.data.is_empty());
        let by = (other, house.owner);
        let across = service::revoke_invitation(&house.tenancy, by, seen[0], &house.origin()).await;
        assert!(matches!(across, Err(TenancyError::NoSuchInvitation)));
    })
    .await;
}
