use quoin_kernel::{CustomRole, OrgId, Role, Standing, UserId};

use super::*;

const ANN: &str = "018f0000-0000-7000-8000-000000000001";
const ORG: &str = "018f0000-0000-7000-8000-00000000000a";
const OTHER: &str = "018f0000-0000-7000-8000-00000000000b";

#[tokio::test]
async fn each_door_admits_whom_it_names_and_nobody_else() {
    let served = served();
    let (ann, org): (UserId, OrgId) = (ANN.parse().unwrap(), ORG.parse().unwrap());
    served.test.members.join(ann, org, Role::Member);
    let (user, owing) = (format!("user:{ANN}"), format!("aal1:{ANN}"));
    let (active, foreign) = (format!("user:{ANN}@{ORG}"), format!("user:{ANN}@{OTHER}"));
    let in_org = |path: &str| path.replace("ORG", ORG).replace("OTHER", OTHER);
    for (path, credential, status, code) in [
        ("/toy/v1/things", None, 401, "no_authorization"),
        ("/toy/v1/things", Some(user.as_str()), 200, ""),
        ("/toy/v1/things", Some(&owing), 403, "insufficient_aal"),
        ("/toy/v1/things", Some("key"), 403, "forbidden"),
        ("/toy/v1/things", Some("wrong"), 401, "bad_jwt"),
        ("/toy/v1/things", Some("down"), 503, "identity_unavailable"),
        ("/toy/v1/things", Some("quoin_pub_anything"), 401, "no_authorization"),
        ("/toy/v1/level", Some(&owing), 200, ""),
        ("/toy/v1/key", Some("key"), 200, ""),
        ("/toy/v1/key", Some(&user), 403, "forbidden"),
        ("/toy/v1/key", Some(&owing), 403, "insufficient_aal"),
        ("/admin/v1/calls", Some("key"), 200, ""),
        ("/admin/v1/calls", Some(&in_org("key@ORG")), 403, "forbidden"),
        ("/toy/v1/orgs/ORG", None, 401, "no_authorization"),
        ("/toy/v1/orgs/ORG", Some(&user), 200, ""),
        ("/toy/v1/orgs/ORG", Some("key"), 403, "forbidden"),
        ("/toy/v1/orgs/OTHER", Some(&user), 404, "not_found"),
        ("/toy/v1/orgs/nonsense", Some(&user), 400, "validation_failed"),
        ("/toy/v1/orgs/ORG/admin", Some(&user), 403, "forbidden"),
        ("/toy/v1/orgs/OTHER/admin", Some(&user), 404, "not_found"),
        ("/toy/v1/active", Some(&active), 200, ""),
        ("/toy/v1/active", Some(&foreign), 404, "not_found"),
        ("/toy/v1/active", Some(&user), 403, "forbidden"),
        ("/toy/v1/one/nonsense", None, 400, "validation_failed"),
        ("/toy/v1/one/ORG", Some("wrong"), 200, ""),
    ] {
        let answer = call(&served.front, &Method::GET, &in_org(path), credential, None).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{path} as {credential:?}"
        );
    }
}

#[tokio::test]
async fn a_permission_is_asked_of_the_role_and_not_of_its_name() {
    let served = served();
    let org: OrgId = ORG.parse().unwrap();
    let custom = |name: &str, permissions: &[&str]| Standing {
        rank: Role::Member,
        custom: Some(CustomRole {
            name: name.to_owned(),
            permissions: permissions.iter().map(|held| (*held).to_owned()).collect(),
        }),
    };
    for (index, (standing, status)) in [
        (Standing::of(Role::Member), 403),
        (Standing::of(Role::Admin), 200),
        (Standing::of(Role::Owner), 200),
        (custom("accountant", &["billing.manage"]), 200),
        (custom("billing.manage", &["posts.publish", "billing"]), 403),
    ]
    .into_iter()
    .enumerate()
    {
        let person = format!("018f0000-0000-7000-8000-0000000001{index:02}");
        served.test.members.join_as(person.parse().unwrap(), org, standing.clone());
        let path = format!("/toy/v1/orgs/{ORG}/billing");
        let answer = call(&served.front, &Method::GET, &path, Some(&format!("user:{person}")), None).await;
        assert_eq!(answer.status.as_u16(), status, "{standing:?}");
        let other = path.replace(ORG, OTHER);
        let elsewhere =
            call(&served.front, &Method::GET, &other, Some(&format!("user:{person}")), None).await;
        assert_eq!(elsewhere.status.as_u16(), 404);
    }
}

#[tokio::test]
async fn credentials_come_as_bearer_or_as_apikey() {
    let served = served();
    for (headers, status) in [
        (&[("authorization", "Bearer key")][..], 200),
        (&[("authorization", "bearer key")], 200),
        (&[("apikey", "key")], 200),
        (&[("apikey", "quoin_pub_x"), ("authorization", "Bearer key")], 200),
        (&[("apikey", "key"), ("authorization", "Bearer quoin_pub_x")], 401),
        (&[("authorization", "Basic a2V5OmtleQ==")], 401),
        (&[("authorization", "key")], 401),
        (&[("authorization", "Bearer")], 401),
        (&[("authorization", "Bearer key key")], 401),
        (&[("authorization", "Bearer key"), ("authorization", "Bearer key")], 401),
        (&[], 401),
    ] {
        let builder = headers
            .iter()
            .fold(request(&Method::GET, "/toy/v1/key"), |builder, (k, v)| builder.header(*k, *v));
        let answer = send(&served.front, builder.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
    let opaque = request(&Method::GET, "/toy/v1/key").header("authorization", &b"Bearer \xff\xfe"[..]);
    assert_eq!(send(&served.front, opaque.body(Body::empty()).unwrap()).await.status, 401);
}

#[tokio::test]
async fn before_the_ports_are_connected_every_door_is_shut() {
    let db = fresh_sqlite();
    let parts = crate::AppParts {
        db: quoin_db::Databases::shared(db.clone()),
        clock: std::sync::Arc::new(quoin_kernel::clock::SystemClock),
        rng: std::sync::Arc::new(quoin_kernel::rng::SystemRng::default()),
        config: WebConfig::at("http://127.0.0.1:1".parse().unwrap(), Mode::Development),
        master_key: quoin_kernel::seal::MasterKey::new([1; 32]),
    };
    let app = App::new(parts);
    let front = Front::new(app, Routes::default());
    assert_eq!(call(&front, &Method::GET, "/admin/v1/calls", Some("key"), None).await.status, 503);
}
