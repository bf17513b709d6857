//! What a plan allows is kept in every room, exactly, whoever comes at once.

use futures_util::future::join_all;
use http::{Method, Request, header};
use quoin_testkit::{Answer, Person, TestServer, on_each_engine_with};
use serde_json::{Value, json};

const POSTS: &str = "create table posts (id uuid primary key default gen_random_uuid(), org_id uuid not null default auth.org_id(),
    title text not null check (title <> ''), unique (org_id, title));
    alter table posts enable row level security;
    create policy posts_all on posts for all using (org_id = auth.org_id()) with check (org_id = auth.org_id());";

/// How many come at once.
const MANY: usize = 50;

/// Runs a body where those who pay for nothing have the plan `free`.
async fn with_plans<F: Future<Output = ()>>(body: impl Fn(TestServer) -> F) {
    on_each_engine_with(|settings| settings.payments.default_plan = Some("free".into()), body).await;
}

/// Makes a plan that gives these limits.
async fn plan(server: &TestServer, id: &str, limits: Value) {
    let plan = json!({"id": id, "name": id, "entitlements": limits});
    server.admin(Method::POST, "/payments/v1/plans", Some(&plan)).await.expect(201);
}

/// Gives a person's organisation a plan.
async fn grant(server: &TestServer, person: &Person, plan: &str) {
    let grant = json!({"plan": plan, "org_id": person.org_id});
    server.admin(Method::POST, "/payments/v1/grants", Some(&grant)).await.expect(201);
}

/// Changes what a plan gives, for those who have it too.
async fn change(server: &TestServer, plan: &str, limits: Value) {
    let change = json!({"entitlements": limits, "apply_to_existing": true});
    let path = format!("/payments/v1/plans/{plan}");
    server.admin(Method::PATCH, &path, Some(&change)).await.expect(200);
}

/// Counts how many were let through; the others were told the limit, what is used, and where there is more.
fn let_through(answers: &[Answer], meter: &str, limit: i64) -> usize {
    for refused in answers.iter().filter(|answer| !answer.status.is_success()) {
        let body = refused.json();
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (402, "limit_reached"), "{body}");
        assert_eq!(
            (&body["limit"]["meter"], &body["limit"]["limit"]),
            (&json!(meter), &json!(limit)),
            "{body}"
        );
        assert!(body["limit"]["used"].as_i64().is_some() && body["upgrade_url"].as_str().is_some(), "{body}");
    }
    answers.iter().filter(|answer| answer.status.is_success()).count()
}

async fn used(server: &TestServer, person: &Person, meter: &str) -> i64 {
    let answer = person.call(server, Method::GET, "/payments/v1/entitlements", None).await.expect(200).json();
    answer["entitlements"][meter]["used"].as_i64().unwrap()
}

async fn insert(server: &TestServer, person: &Person, rows: Value) -> Answer {
    person.call(server, Method::POST, "/rest/v1/posts", Some(&rows)).await
}

async fn send(
    server: &TestServer,
    person: &Person,
    method: Method,
    path: &str,
    (name, value): (&str, &str),
    body: Value,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", person.token))
        .header(header::CONTENT_TYPE, "application/json")
        .header(name, value);
    server.send(request.body(http_body_util::Full::new(body.to_string().into())).unwrap()).await
}

#[tokio::test]
async fn fifty_inserts_at_once_leave_as_many_rows_as_the_plan_allows() {
    with_plans(|server| async move {
        let migration = json!({"name": "0001_posts", "sql": POSTS});
        server.admin(Method::POST, "/admin/v1/migrations", Some(&migration)).await;
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        insert(&server, &ada, json!({"title": "before any plan"})).await.expect(201);
        plan(&server, "free", json!({"rows": {"limit": 1}})).await;
        plan(&server, "pro", json!({"rows": {"limit": 10}})).await;
        grant(&server, &ada, "pro").await;
        let titles = (0..MANY).map(|n| json!({"title": format!("row {n}")}));
        let answers = join_all(titles.map(|row| insert(&server, &ada, row))).await;
        assert_eq!(let_through(&answers, "rows", 10), 10);
        assert_eq!(used(&server, &ada, "rows").await, 10);
        insert(&server, &eve, json!({"title": "hers"})).await.expect(201);
        insert(&server, &eve, json!({"title": "one more"})).await.expect(402);
        change(&server, "pro", json!({"rows": {"limit": 12}})).await;
        insert(&server, &ada, json!([{"title": "a"}, {"title": "b"}, {"title": "c"}])).await.expect(402);
        insert(&server, &ada, json!([{"title": "a"}, {"title": "b"}])).await.expect(201);
        change(&server, "pro", json!({"rows": {"limit": 2}})).await;
        insert(&server, &ada, json!({"title": "c"})).await.expect(402);
    })
    .await;
}

#[tokio::test]
async fn only_rows_that_are_new_are_counted_and_those_that_go_are_given_back() {
    with_plans(|server| async move {
        let migration = json!({"name": "0001_posts", "sql": POSTS});
        server.admin(Method::POST, "/admin/v1/migrations", Some(&migration)).await;
        let ada = server.person("ada").await;
        plan(&server, "free", json!({"rows": {"limit": 3}})).await;
        insert(&server, &ada, json!([{"title": "a"}, {"title": "b"}])).await.expect(201);
        insert(&server, &ada, json!({"title": "a"})).await.expect(409);
        insert(&server, &ada, json!({"title": ""})).await.expect(400);
        assert_eq!(used(&server, &ada, "rows").await, 2);
        let merge = ("prefer", "resolution=merge-duplicates");
        let upsert = |rows: Value| {
            send(&server, &ada, Method::POST, "/rest/v1/posts?on_conflict=org_id,title", merge, rows)
        };
        upsert(json!([{"title": "a"}, {"title": "c"}])).await.expect(201);
        upsert(json!([{"title": "a"}, {"title": "b"}])).await.expect(200);
        upsert(json!([{"title": "a"}, {"title": "d"}])).await.expect(402);
        assert_eq!(used(&server, &ada, "rows").await, 3);
        ada.call(&server, Method::DELETE, "/rest/v1/posts?title=in.(a,b)", None).await.expect(204);
        assert_eq!(used(&server, &ada, "rows").await, 1);
        let undone = ("prefer", "tx=rollback");
        send(&server, &ada, Method::POST, "/rest/v1/posts", undone, json!({"title": "e"})).await.expect(201);
        send(&server, &ada, Method::DELETE, "/rest/v1/posts?title=eq.c", undone, json!(null))
            .await
            .expect(204);
        assert_eq!(used(&server, &ada, "rows").await, 1);
        // The platform's own key writes for nobody who could be counted.
        let row = json!({"title": "the team's", "org_id": ada.org_id});
        server.admin(Method::POST, "/rest/v1/posts", Some(&row)).await.expect(201);
        assert_eq!(used(&server, &ada, "rows").await, 1);
    })
    .await;
}

#[tokio::test]
async fn fifty_organisations_at_once_are_as_many_as_the_plan_allows() {
    with_plans(|server| async move {
        let ada = server.person("ada").await;
        plan(&server, "free", json!({"organizations": {"limit": 3}})).await;
        let body = json!({"name": "Acme"});
        let create = || ada.call(&server, Method::POST, "/orgs/v1/orgs", Some(&body));
        let answers = join_all((0..MANY).map(|_| create())).await;
        // Her personal one is the first of the three.
        assert_eq!(let_through(&answers, "organizations", 3), 2);
        plan(&server, "pro", json!({"organizations": {"limit": 4}})).await;
        grant(&server, &ada, "pro").await;
        create().await.expect(201);
        create().await.expect(402);
    })
    .await;
}

#[tokio::test]
async fn the_last_seat_is_taken_once_and_nobody_is_invited_beyond_it() {
    with_plans(|server| async move {
        let ada = server.person("ada").await;
        let path = format!("/orgs/v1/orgs/{}", ada.org_id);
        let invite = async |email: &str| {
            let body = json!({"email": email, "role": "member"});
            ada.call(&server, Method::POST, &format!("{path}/invitations"), Some(&body)).await
        };
        let mut guests = Vec::new();
        for name in ["bob", "carl", "dora"] {
            let guest = server.person(name).await;
            // The mailbox shows the newest first.
            server.advance(std::time::Duration::from_secs(1));
            invite(&guest.email).await.expect(201);
            let mail = server.mail(&guest.email, 2).await;
            let mut links = mail["links"].as_array().unwrap().iter().filter_map(Value::as_str);
            let token = links.find_map(|link| link.split_once("accept?token=")).unwrap().1;
            guests.push((guest, json!({"token": token.split('&').next()})));
        }
        plan(&server, "free", json!({"seats": {"limit": 2}})).await;
        let refused = invite("late@example.com").await.expect(402);
        assert_eq!(refused.json()["limit"]["meter"], "seats");
        let accept = |(guest, body): &(Person, Value)| {
            let (guest, body, server) = (guest.clone(), body.clone(), &server);
            async move { guest.call(server, Method::POST, "/orgs/v1/invitations/accept", Some(&body)).await }
        };
        let answers = join_all(guests.iter().map(accept)).await;
        assert_eq!(let_through(&answers, "seats", 2), 1);
        assert_eq!(used(&server, &ada, "seats").await, 2);
        // The others' invitations still work once there is room.
        change(&server, "free", json!({"seats": {"limit": 4}})).await;
        let answers = join_all(guests.iter().map(accept)).await;
        assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 2);
        invite("late@example.com").await.expect(402);
    })
    .await;
}

#[tokio::test]
async fn twenty_uploads_at_once_keep_as_many_bytes_as_the_plan_allows() {
    with_plans(|server| async move {
        let ada = server.person("ada").await;
        let bucket = json!({"name": "papers", "public": false});
        server.admin(Method::POST, "/storage/v1/bucket", Some(&bucket)).await.expect(200);
        plan(&server, "free", json!({"storage_bytes": {"limit": 1000}})).await;
        let upload = |name: String| {
            let body = Value::from("x".repeat(298));
            let path = format!("/storage/v1/object/papers/{name}");
            let (server, ada) = (&server, &ada);
            async move { send(server, ada, Method::POST, &path, ("x-upsert", "false"), body).await }
        };
        let answers = join_all((0..20).map(|n| upload(format!("{n}.json")))).await;
        assert_eq!(let_through(&answers, "storage_bytes", 1000), 3);
        assert_eq!(used(&server, &ada, "storage_bytes").await, 900);
        let kept = answers.iter().position(|answer| answer.status.is_success()).unwrap();
        let path = format!("/storage/v1/object/papers/{kept}.json");
        ada.call(&server, Method::DELETE, &path, None).await.expect(200);
        assert_eq!(used(&server, &ada, "storage_bytes").await, 600);
        upload("again.json".into()).await.expect(200);
        upload("too-much.json".into()).await.expect(402);
    })
    .await;
}

#[tokio::test]
async fn fifty_calls_at_once_are_answered_as_often_as_the_plan_allows_and_more_can_be_bought() {
    with_plans(|server| async move {
        let migration = json!({"name": "0001_posts", "sql": POSTS});
        server.admin(Method::POST, "/admin/v1/migrations", Some(&migration)).await;
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        let read = |person: &Person| {
            let (server, person) = (&server, person.clone());
            async move { person.call(server, Method::GET, "/rest/v1/posts", None).await }
        };
        read(&ada).await.expect(200);
        plan(&server, "free", json!({"api_calls": {"limit": 25, "per": "day"}})).await;
        plan(&server, "pro", json!({"api_calls": {"limit": 60, "per": "day"}})).await;
        let answers = join_all((0..MANY).map(|_| read(&ada))).await;
        assert_eq!(let_through(&answers, "api_calls", 25), 25);
        assert_eq!(used(&server, &ada, "api_calls").await, 25);
        // Another's calls are another's, the platform's key counts for nobody, and whoever may call no more may still see
        // their account, their organisations and what there is to buy.
        read(&eve).await.expect(200);
        server.admin(Method::GET, "/rest/v1/posts", None).await.expect(200);
        for path in ["/auth/v1/user", "/orgs/v1/orgs", "/payments/v1/subscriptions", "/payments/v1/plans"] {
            ada.call(&server, Method::GET, path, None).await.expect(200);
        }
        let key = json!({"name": "ci", "org_id": ada.org_id, "scopes": ["data"]});
        let key = server.admin(Method::POST, "/admin/v1/keys", Some(&key)).await.expect(201).json();
        let of_her_key = Person { token: key["key"].as_str().unwrap().to_owned(), ..ada.clone() };
        read(&of_her_key).await.expect(402);
        grant(&server, &ada, "pro").await;
        let answers = join_all((0..MANY).map(|_| read(&ada))).await;
        assert_eq!(let_through(&answers, "api_calls", 60), 35);
        change(&server, "pro", json!({"api_calls": {"limit": 70, "per": "day"}})).await;
        read(&ada).await.expect(200);
    })
    .await;
}
