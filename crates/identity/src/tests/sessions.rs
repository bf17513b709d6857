//! Refreshing, reuse, and how sessions end.

use quoin_kernel::port::{Authenticator, SessionIssuer};
use quoin_kernel::{Caller, OrgId, UserId};
use quoin_tenancy::{NewPersonal, OrgName};
use quoin_web::Method;
use quoin_web::testing::{START, origin};
use serde_json::json;

use super::harness::{ANN, House, PASSWORD, claims, plain_story, story, text};

#[tokio::test]
async fn fifty_uses_of_one_refresh_token_give_one_child() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let parent = text(&session, "refresh_token");
        let answers = futures_util::future::join_all((0..50).map(|_| house.refresh(parent))).await;
        let mut children: Vec<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                text(&answer.json(), "refresh_token").to_owned()
            })
            .collect();
        children.dedup();
        assert_eq!(children.len(), 1);
        assert_eq!(house.refresh(&children[0]).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn fifty_uses_from_different_clients_end_the_family() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let parent = text(&session, "refresh_token").to_owned();
        let agents: Vec<String> = (0..50).map(|number| format!("client {number}")).collect();
        let tries = agents.iter().map(|agent| house.refresh_as(&parent, agent));
        let answers = futures_util::future::join_all(tries).await;
        let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(winners.len(), 1);
        let child = winners[0].json();
        assert_eq!(house.refresh(text(&child, "refresh_token")).await.status, 400);
        assert_eq!(
            house.get("/auth/v1/user", text(&child, "access_token")).await.code(),
            "session_not_found"
        );
    })
    .await;
}

#[tokio::test]
async fn a_reuse_after_the_grace_ends_the_family_also_after_a_restart() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let parent = text(&session, "refresh_token");
        let child = house.refresh(parent).await.json();
        house.advance(10);
        assert_eq!(house.refresh(parent).await.json()["refresh_token"], child["refresh_token"]);
        house.advance(1);
        let house = house.restarted().await;
        let reused = house.refresh(parent).await;
        assert_eq!((reused.status.as_u16(), reused.code().as_str()), (400, "refresh_token_already_used"));
        assert_eq!(house.refresh(text(&child, "refresh_token")).await.status, 400);
        assert_eq!(house.get("/auth/v1/user", text(&child, "access_token")).await.status, 403);
    })
    .await;
}

#[tokio::test]
async fn a_grandparent_is_known_as_a_reuse_and_an_invention_is_not() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let first = text(&session, "refresh_token").to_owned();
        let second = house.refresh(&first).await.json();
        let third = house.refresh(text(&second, "refresh_token")).await.json();
        let mut invented = first.clone();
        invented.replace_range(30..31, if &first[30..31] == "A" { "B" } else { "A" });
        assert_eq!(house.refresh(&invented).await.code(), "refresh_token_not_found");
        assert_eq!(house.refresh(text(&third, "refresh_token")).await.status, 200);
        assert_eq!(house.refresh(&first).await.code(), "refresh_token_already_used");
        assert_eq!(house.refresh(text(&third, "refresh_token")).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn logging_out_ends_the_sessions_it_names_at_once() {
    plain_story(|house| async move {
        let first = house.person(ANN).await;
        for (scope, own_ends, other_ends) in
            [("local", true, false), ("others", false, true), ("global", true, true)]
        {
            let own = house.sign_in(ANN, PASSWORD).await.json();
            let other = house.sign_in(ANN, PASSWORD).await.json();
            let path = format!("/auth/v1/logout?scope={scope}");
            let answer = house.send(Method::POST, &path, text(&own, "access_token"), json!({})).await;
            assert_eq!(answer.status, 204);
            for (session, ends) in [(&own, own_ends), (&other, other_ends)] {
                let read = house.get("/auth/v1/user", text(session, "access_token")).await;
                assert_eq!(read.status == 403, ends, "{scope}");
                assert_eq!(
                    house.refresh(text(session, "refresh_token")).await.status == 400,
                    ends,
                    "{scope}"
                );
            }
        }
        assert_eq!(house.get("/auth/v1/user", text(&first, "access_token")).await.status, 403);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_nobody_refreshes_ends() {
    story(
        |config| config.session_idle_s = 7200,
        |house| async move {
            let session = house.person(ANN).await;
            house.advance(7201);
            assert_eq!(
                house.refresh(text(&session, "refresh_token")).await.code(),
                "refresh_token_not_found"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn a_session_ends_after_its_longest_life_however_often_it_is_refreshed() {
    story(
        |config| config.session_max_s = 10_000,
        |house| async move {
            let mut session = house.person(ANN).await;
            for _ in 0..3 {
                house.advance(3000);
                session = house.refresh(text(&session, "refresh_token")).await.json();
            }
            assert_eq!(session["expires_in"], 1000, "no token outlives its session");
            let claims = claims(text(&session, "access_token"));
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 1000);
            house.advance(1000);
            let ended = house.refresh(text(&session, "refresh_token")).await;
            assert_eq!((ended.status.as_u16(), ended.code().as_str()), (400, "refresh_token_not_found"));
        },
    )
    .await;
}

#[tokio::test]
async fn switching_gives_a_pair_for_the_other_organisation_and_refresh_keeps_it() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let user_id: UserId = text(&session["user"], "id").parse().unwrap();
        let other = second_org(&house, user_id).await;
        let caller = house.identity.authenticate(text(&session, "access_token"), START).await.unwrap();
        let Caller::User(caller) = caller else { panic!("a person") };
        let switched = house.identity.switch(&caller, other, &origin()).await.unwrap();
        assert_eq!(claims(text(&switched, "access_token"))["org_id"], json!(other));
        let refreshed = house.refresh_as(text(&switched, "refresh_token"), "test").await.json();
        assert_eq!(claims(text(&refreshed, "access_token"))["org_id"], json!(other));
        let stranger: OrgId = house.identity.app().id();
        let refused = house.identity.switch(&caller, stranger, &origin()).await.unwrap_err();
        assert_eq!(refused.status(), 404);
        assert_eq!(house.refresh(text(&session, "refresh_token")).await.code(), "refresh_token_already_used");
    })
    .await;
}

async fn second_org(house: &House, owner: UserId) -> OrgId {
    let new = NewPersonal {
        org_id: house.identity.app().id(),
        user_id: owner,
        name: OrgName::personal("Second"),
        now: START,
    };
    let made = new.clone();
    let add = move |tx: &mut quoin_db::Tx<'_>| {
        let stranger = UserId::from_uuid(new.org_id.uuid());
        quoin_tenancy::create_personal(tx, &NewPersonal { user_id: stranger, ..new.clone() })?;
        let member = quoin_tenancy::NewMember {
            org_id: new.org_id,
            user_id: owner,
            standing: quoin_kernel::Standing::of(quoin_kernel::Role::Member),
            now: START,
        };
        quoin_tenancy::add_member(tx, &member)
    };
    house.identity.db().write::<_, quoin_db::DbError, _>("testing.second_org", add).await.unwrap();
    made.org_id
}
