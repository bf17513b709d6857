//! Metadata, policy, suspension and the end of an organisation.

use std::time::Duration;

use quoin_db::DbError;
use quoin_kernel::{Aal, Role, UserId};
use serde_json::{Map, Value, json};

use super::house::{House, story};
use super::{ALL, create_personal, entry, revoked};
use crate::model::{Bar, OrgStatus, PolicySettings, PolicyWish};
use crate::revocations::Revoked;
use crate::{SessionFacts, TenancyError, service};

const MONTH: Duration = Duration::from_hours(30 * 24);

fn facts(house: &House, age: Duration) -> SessionFacts {
    let now = house.origin().now;
    SessionFacts { aal: Aal::Aal1, authenticated_at: now - age, sso_org_id: None, now }
}

async fn is_member(house: &House, user_id: UserId) -> bool {
    house.active(user_id, facts(house, Duration::ZERO)).await.is_some()
}

async fn delete(house: &House, actor: UserId) -> Result<(), TenancyError> {
    let now = house.origin().now;
    service::delete(&house.tenancy, (house.org_id, actor), now, entry(actor)).await
}

async fn restore(house: &House, actor: UserId) -> Result<(), TenancyError> {
    let now = house.origin().now;
    service::restore(&house.tenancy, (house.org_id, actor), now, entry(actor)).await.map(drop)
}

async fn set_policy(house: &House, actor: UserId, policy: Value) -> Result<PolicySettings, TenancyError> {
    let policy = PolicyWish {
        mfa_required: policy["mfa_required"] == true,
        session_lifetime_s: policy["session_lifetime_s"].as_i64(),
        ..PolicyWish::default()
    };
    let by = (house.org_id, actor, Aal::Aal2);
    service::set_policy(&house.tenancy, by, policy, house.origin().now, entry(actor)).await
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => panic!("an object"),
    }
}

fn is_gone(result: &Result<(), TenancyError>) -> bool {
    matches!(result, Err(TenancyError::NoSuchOrganization))
}

#[tokio::test]
async fn a_deleted_organisation_can_be_restored_within_its_time_of_grace_and_is_then_gone() {
    story(|house| async move {
        let (admin, bob) = (house.join(Role::Admin).await, house.join(Role::Member).await);
        let personal = create_personal(house.db(), house.owner).await;
        let mine =
            service::delete(&house.tenancy, (personal, house.owner), house.origin().now, entry(bob)).await;
        assert!(matches!(mine, Err(TenancyError::PersonalOrganization)));
        assert!(matches!(delete(&house, admin).await, Err(TenancyError::RoleTooLow)));
        delete(&house, house.owner).await.unwrap();
        assert!(!is_member(&house, bob).await);
        let ended = revoked(house.db()).await;
        assert_eq!(ended.len(), 3, "every member's tokens end: {ended:?}");
        assert!(is_gone(&delete(&house, house.owner).await));
        house.advance(Duration::from_hours(30 * 24 - 1));
        assert_eq!(service::delete_due(&house.tenancy, house.origin().now).await.unwrap(), 0);
        for refused in [super::person(), bob, admin] {
            assert!(is_gone(&restore(&house, refused).await), "only an owner restores");
        }
        restore(&house, house.owner).await.unwrap();
        assert!(is_member(&house, bob).await);
        assert!(is_gone(&restore(&house, house.owner).await), "there is nothing to take back");

        delete(&house, house.owner).await.unwrap();
        let listed = service::list(house.db(), house.owner, true, ALL).await.unwrap().data;
        assert_eq!((listed.len(), listed[0].status), (1, OrgStatus::Deleting));
        house.advance(MONTH);
        assert!(is_gone(&restore(&house, house.owner).await), "too late, although no job has run yet");
        assert_eq!(service::delete_due(&house.tenancy, house.origin().now).await.unwrap(), 1);
        assert_eq!(service::delete_due(&house.tenancy, house.origin().now).await.unwrap(), 0);
        assert!(service::list(house.db(), house.owner, true, ALL).await.unwrap().data.is_empty());
        let org_id = house.org_id;
        let exists =
            house.db().read::<_, DbError, _>("test.exists", move |tx| crate::is_usable(tx, org_id)).await;
        assert!(!exists.unwrap());
        let trail = quoin_audit::FilterIn { org_id: Some(org_id), ..Default::default() }.check().unwrap();
        let trail = quoin_audit::list(house.db(), trail).await.unwrap().data;
        assert!(
            trail.iter().any(|entry| entry.action == "tenancy.organization.erased"),
            "the trail outlives it"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restoration_and_the_end_at_once_leave_a_whole_organisation_or_none() {
    story(|house| async move {
        delete(&house, house.owner).await.unwrap();
        house.advance(MONTH);
        let after = house.origin().now;
        let before = after - Duration::from_micros(1);
        let mut tries = tokio::task::JoinSet::new();
        for index in 0..50 {
            let house = house.clone();
            tries.spawn(async move {
                if index % 2 == 0 {
                    service::delete_due(&house.tenancy, after).await.map(drop)
                } else {
                    let by = (house.org_id, house.owner);
                    service::restore(&house.tenancy, by, before, entry(house.owner)).await.map(drop)
                }
            });
        }
        tries.join_all().await;
        let org_id = house.org_id;
        let usable = house
            .db()
            .read::<_, DbError, _>("test.usable", move |tx| crate::is_usable(tx, org_id))
            .await
            .unwrap();
        assert_eq!(is_member(&house, house.owner).await, usable);
        let listed = service::list(house.db(), house.owner, true, ALL).await.unwrap().data;
        assert!(listed.is_empty(), "nothing is left half deleted");
    })
    .await;
}

#[tokio::test]
async fn a_suspended_organisation_lets_nobody_act_for_it_until_it_is_reinstated() {
    story(|house| async move {
        let bob = house.join(Role::Member).await;
        let now = house.origin().now;
        service::suspend(&house.tenancy, house.org_id, now, entry(bob)).await.unwrap();
        assert!(!is_member(&house, bob).await && !is_member(&house, house.owner).await);
        assert_eq!(revoked(house.db()).await.len(), 2);
        let again = service::suspend(&house.tenancy, house.org_id, now, entry(bob)).await;
        assert!(matches!(again, Err(TenancyError::AlreadySuspended)));
        service::reinstate(&house.tenancy, house.org_id, house.origin().now, entry(bob)).await.unwrap();
        assert!(is_member(&house, bob).await);
        let again = service::reinstate(&house.tenancy, house.org_id, house.origin().now, entry(bob)).await;
        assert!(matches!(again, Err(TenancyError::NotSuspended)));
        let nothing = quoin_kernel::OrgId::new(now, &super::rng());
        assert!(is_gone(&service::suspend(&house.tenancy, nothing, now, entry(bob)).await));
    })
    .await;
}

#[tokio::test]
async fn an_invitation_into_a_suspended_organisation_waits_until_it_is_reinstated() {
    story(|house| async move {
        let bob = house.person("bob@example.com");
        let wish = service::InvitationWish {
            email: "bob@example.com".parse().unwrap(),
            role: None,
            redirect_to: None,
        };
        let by = (house.org_id, house.owner);
        service::invite(&house.tenancy, by, wish, &house.origin()).await.unwrap();
        let token = house.tokens("bob@example.com").await.pop().unwrap();
        let now = house.origin().now;
        service::suspend(&house.tenancy, house.org_id, now, entry(bob)).await.unwrap();
        let closed = service::accept_invitation(&house.tenancy, &token, bob, &house.origin()).await;
        assert!(matches!(closed, Err(TenancyError::InvitationNotValid)));
        service::reinstate(&house.tenancy, house.org_id, house.origin().now, entry(bob)).await.unwrap();
        service::accept_invitation(&house.tenancy, &token, bob, &house.origin()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn metadata_is_said_in_tokens_but_for_what_tokens_say_themselves() {
    story(|house| async move {
        let put = |metadata: Value| {
            let by = (house.org_id, house.owner);
            let (db, now) = (house.db().clone(), house.origin().now);
            async move { service::set_metadata(&db, by, object(metadata), now, entry(by.1)).await }
        };
        let all = json!({
            "tier": "gold", "limits": {"seats": 5}, "sub": "somebody else", "role": "service_role", "aal": "aal2",
            "org_id": "another", "org_role": "owner", "email": "root@example.com", "exp": 9_999_999_999_i64,
            "needs_second_factor": false, "app_metadata": {}, "sso_anything": 1, "quoin_anything": 1, "amr": []
        });
        assert_eq!(put(all.clone()).await.unwrap(), object(all.clone()), "kept as it was sent");
        let said = house.active(house.owner, facts(&house, Duration::ZERO)).await.unwrap().claims;
        assert_eq!(Value::Object(said), json!({"tier": "gold", "limits": {"seats": 5}}));
        let seen = service::find(house.db(), house.org_id, house.owner).await.unwrap();
        assert_eq!(seen.metadata, all);
        let mut deep = json!(1);
        for _ in 0..9 {
            deep = json!([deep]);
        }
        for unusable in [json!({"a": "x".repeat(2048)}), json!({"a": "\u{0}"}), json!({"\u{0}": 1}), json!({"a": deep})] {
            assert!(matches!(put(unusable).await, Err(TenancyError::Unusable { field: "metadata", .. })));
        }
        let bob = house.join(Role::Member).await;
        let by = (house.org_id, bob);
        let refused = service::set_metadata(house.db(), by, Map::new(), house.origin().now, entry(bob)).await;
        assert!(matches!(refused, Err(TenancyError::RoleTooLow)));
    })
    .await;
}

#[tokio::test]
async fn nobody_demands_a_second_factor_who_has_shown_none() {
    story(|house| async move {
        let policy = PolicyWish { mfa_required: true, ..PolicyWish::default() };
        let by = (house.org_id, house.owner, Aal::Aal1);
        let now = house.origin().now;
        let refused = service::set_policy(&house.tenancy, by, policy, now, entry(house.owner)).await;
        assert!(matches!(refused, Err(TenancyError::Barred(Bar::SecondFactor))));
        assert!(!service::get_policy(house.db(), house.org_id).await.unwrap().mfa_required);
        set_policy(&house, house.owner, json!({"mfa_required": true})).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_asked_of_every_session_and_a_stricter_one_ends_tokens() {
    story(|house| async move {
        let bob = house.join(Role::Member).await;
        let admin = house.join(Role::Admin).await;
        let refused = set_policy(&house, admin, json!({"mfa_required": true})).await;
        assert!(matches!(refused, Err(TenancyError::RoleTooLow)));
        for wrong in [299, 0, -1, 365 * 24 * 3600 + 1] {
            let refused = set_policy(&house, house.owner, json!({"session_lifetime_s": wrong})).await;
            assert!(matches!(refused, Err(TenancyError::Unusable { field: "session_lifetime_s", .. })));
        }
        set_policy(&house, house.owner, json!({})).await.unwrap();
        assert!(revoked(house.db()).await.is_empty(), "nothing has become stricter");
        set_policy(&house, house.owner, json!({"session_lifetime_s": 600, "mfa_required": true}))
            .await
            .unwrap();
        let ended = revoked(house.db()).await;
        assert!(
            ended.iter().any(|one| matches!(one, Revoked::Membership { user_id, .. } if *user_id == bob))
        );
        assert_eq!(ended.len(), 3);
        let fresh = house.active(bob, facts(&house, Duration::from_secs(599))).await.unwrap();
        assert!(fresh.policy.mfa_required, "a session may still get its second factor");
        assert!(house.active(bob, facts(&house, Duration::from_mins(10))).await.is_none());
        set_policy(&house, house.owner, json!({"session_lifetime_s": 3600})).await.unwrap();
        assert_eq!(revoked(house.db()).await.len(), 3, "a laxer one ends nothing");
        assert!(house.active(bob, facts(&house, Duration::from_mins(10))).await.is_some());
    })
    .await;
}
