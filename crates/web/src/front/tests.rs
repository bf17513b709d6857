mod bad_input;
mod doors;
mod log;

use quoin_db::testing::{TestDatabase, fresh_sqlite};
use serde_json::json;

use super::*;
use crate::config::Mode;
use crate::testing::{TestApp, call, request, send};
use crate::toy;

struct Served {
    front: Front,
    test: TestApp,
    _db: TestDatabase,
}

fn served_with(change: impl FnOnce(&mut WebConfig)) -> Served {
    let db = fresh_sqlite();
    let mut config = WebConfig::at("http://127.0.0.1:8080".parse().unwrap(), Mode::Development);
    change(&mut config);
    let test = TestApp::with_config(db.clone(), config);
    let front = test.front(toy::routes(&toy::toy(&test)));
    Served { front, test, _db: db }
}

fn served() -> Served {
    served_with(|_| {})
}

#[tokio::test]
async fn browsers_are_told_about_tls_where_there_is_tls() {
    for (public_url, subdomains, expected) in [
        ("http://127.0.0.1:8080", true, ""),
        ("https://example.com", false, "max-age=31536000"),
        ("https://example.com", true, "max-age=31536000; includeSubDomains"),
    ] {
        let served = served_with(|config| {
            config.public_url = public_url.parse().unwrap();
            config.hsts_include_subdomains = subdomains;
        });
        let answer = call(&served.front, &Method::GET, "/healthz", None, None).await;
        assert_eq!(answer.header("strict-transport-security"), expected);
    }
}

#[tokio::test]
async fn every_answer_carries_an_id_and_the_guards() {
    let served = served();
    for (method, path, status) in [
        (Method::GET, "/healthz", 200),
        (Method::GET, "/nowhere", 404),
        (Method::DELETE, "/healthz", 405),
        (Method::TRACE, "/healthz", 405),
        (Method::GET, "/toy/v1/panic", 500),
        (Method::GET, "/toy/v1/fault", 500),
        (Method::GET, "/toy/v1/key", 401),
    ] {
        let answer = call(&served.front, &method, path, None, None).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        if status >= 400 {
            let body = answer.json();
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
            assert_eq!(body["status"], status, "{path}");
            let instance = format!("urn:quoin:request:{}", answer.header("x-request-id"));
            assert_eq!(body["instance"], instance, "{path}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("sesame"), "{path} shows the cause");
        }
    }
    let refused = call(&served.front, &Method::DELETE, "/healthz", None, None).await;
    assert_eq!(refused.header("allow"), "GET,HEAD");
    assert_eq!(served.test.app.metrics().panics.load(Ordering::Relaxed), 1);
    assert_eq!(served.test.app.metrics().in_flight.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn auth_answers_carry_the_version_that_the_clients_read() {
    let served = served();
    let answer = call(&served.front, &Method::GET, "/auth/v1/nowhere", None, None).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-supabase-api-version")), (404, "2024-01-01"));
    assert_eq!(
        call(&served.front, &Method::GET, "/healthz", None, None).await.header("x-supabase-api-version"),
        ""
    );
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let served = served();
    for (sent, kept) in [
        ("0123-abc.DEF_9", true),
        ("short", false),
        ("with space in it", false),
        ("quote\"quote\"", false),
        (&"x".repeat(65), false),
    ] {
        let request =
            request(&Method::GET, "/healthz").header("x-request-id", sent).body(Body::empty()).unwrap();
        let answer = send(&served.front, request).await;
        assert_eq!(answer.header("x-request-id") == sent, kept, "{sent}");
    }
}

#[tokio::test]
async fn recent_calls_of_a_person_are_shown_to_a_platform_key() {
    let served = served();
    let ann = "018f0000-0000-7000-8000-000000000001";
    let org = "018f0000-0000-7000-8000-00000000000a";
    let credential = format!("user:{ann}@{org}");
    call(&served.front, &Method::GET, "/toy/v1/things", Some(&credential), None).await;
    call(&served.front, &Method::GET, "/toy/v1/things", None, None).await;
    let path = format!("/admin/v1/calls?sub={ann}");
    let answer = call(&served.front, &Method::GET, &path, Some("key"), None).await.json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    let shown = &answer["data"][0];
    assert_eq!((&shown["operation"], &shown["status"]), (&json!("toy.things.list"), &json!(200)));
    assert_eq!((&shown["sub"], &shown["org_id"]), (&json!(ann), &json!(org)));
    let all = call(&served.front, &Method::GET, "/admin/v1/calls", Some("key"), None).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 3);
    assert!(all["data"][0]["key_id"].is_string(), "the newest comes first: {all}");
}

#[tokio::test]
async fn the_ring_of_calls_is_bounded() {
    let served = served_with(|config| config.recent_calls = 5);
    for _ in 0..20 {
        call(&served.front, &Method::GET, "/healthz", None, None).await;
    }
    assert_eq!(served.test.app.calls().recent(None, 100).len(), 5);
}

#[tokio::test]
async fn requests_beyond_the_limit_are_shed_with_retry_after() {
    let served = served_with(|config| config.max_in_flight = 1);
    let slow = call(&served.front, &Method::GET, "/toy/v1/slow", None, None);
    let meanwhile = async {
        tokio::task::yield_now().await;
        call(&served.front, &Method::GET, "/healthz", None, None).await
    };
    let (slow, shed) = tokio::join!(slow, meanwhile);
    assert_eq!(slow.status, 200);
    assert_eq!(
        (shed.status.as_u16(), shed.header("retry-after"), shed.code().as_str()),
        (503, "1", "overloaded")
    );
    assert_eq!(call(&served.front, &Method::GET, "/healthz", None, None).await.status, 200);
}

#[tokio::test]
async fn bodies_share_a_bounded_memory_that_is_given_back() {
    let served = served_with(|config| config.max_body_memory_bytes = 40);
    let small = json!({"name": "small"});
    let large = json!({"name": "x".repeat(50)});
    for _ in 0..5 {
        let path = "/toy/v1/things";
        assert_eq!(call(&served.front, &Method::POST, path, None, Some(&small)).await.status, 201);
        let shed = call(&served.front, &Method::POST, path, None, Some(&large)).await;
        assert_eq!((shed.status.as_u16(), shed.code().as_str()), (503, "overloaded"));
    }
}

#[tokio::test]
async fn an_address_that_calls_too_often_is_told_to_wait() {
    let served = served();
    for _ in 0..3 {
        assert_eq!(call(&served.front, &Method::GET, "/toy/v1/limited", None, None).await.status, 200);
    }
    let refused = call(&served.front, &Method::GET, "/toy/v1/limited", None, None).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "over_request_rate_limit"));
    assert!((1..=61).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
}

#[tokio::test]
async fn pages_of_every_origin_may_call_without_credentials() {
    let served = served();
    let preflight = request(&Method::OPTIONS, "/toy/v1/things")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "apikey,authorization,x-client-info")
        .body(Body::empty());
    let answer = send(&served.front, preflight.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(answer.header("access-control-allow-headers"), "apikey,authorization,x-client-info");
    assert!(answer.header("access-control-allow-methods").contains("PATCH"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let refused = request(&Method::GET, "/toy/v1/key").header("origin", "null").body(Body::empty()).unwrap();
    let answer = send(&served.front, refused).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (401, "*"));
    assert!(answer.header("access-control-expose-headers").contains("content-range"));
}

#[tokio::test]
async fn only_configured_origins_may_call_where_some_are() {
    let served = served_with(|config| config.cors_origins = vec!["https://app.example.com/".to_owned()]);
    for (origin, allowed) in
        [("https://app.example.com", "https://app.example.com"), ("https://evil.test", "")]
    {
        let request = request(&Method::GET, "/healthz").header("origin", origin).body(Body::empty()).unwrap();
        let answer = send(&served.front, request).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
        assert_eq!(answer.header("vary"), "origin");
    }
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let served = served();
    served.test.app.health().register("database", async || Ok(()));
    assert_eq!(call(&served.front, &Method::GET, "/readyz", None, None).await.status, 200);
    served.test.app.health().register("mail", async || Err(Problem::internal("no route")));
    let answer = call(&served.front, &Method::GET, "/readyz", None, None).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (503, json!({"ready": false, "missing": ["mail"]})));
}

#[tokio::test]
async fn metrics_count_calls_by_operation_for_a_platform_key_only() {
    let served = served();
    call(&served.front, &Method::GET, "/healthz", None, None).await;
    assert_eq!(call(&served.front, &Method::GET, "/metrics", None, None).await.status, 401);
    let answer = call(&served.front, &Method::GET, "/metrics", Some("key"), None).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(
        text.contains("quoin_requests_total{operation=\"web.health.alive\",status=\"2xx\"} 1\n"),
        "{text}"
    );
    assert!(text.contains("quoin_requests_in_flight 1\n"), "{text}");
    assert!(text.contains("quoin_db_commits_total "), "{text}");
}

#[tokio::test]
async fn the_document_describes_the_toys_operations() {
    let served = served();
    let document = call(&served.front, &Method::GET, "/openapi.json", None, None).await.json();
    insta::assert_json_snapshot!("make_thing", document["paths"]["/toy/v1/things"]);
    insta::assert_json_snapshot!("make_thing_in", document["components"]["schemas"]["MakeThingIn"]);
    assert_eq!(document["paths"]["/toy/v1/panic"], json!(null));
    assert_eq!(document["paths"]["/things"], json!(null));
    let member = &document["paths"]["/toy/v1/orgs/{org_id}"]["get"];
    assert_eq!(member["parameters"][0]["schema"]["format"], "uuid");
    assert_eq!(member["security"], json!([{"bearer": []}]));
    let documented = served.front.operations().iter().filter(|operation| operation.is_documented()).count();
    let methods: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(methods, documented);
}

#[tokio::test]
async fn the_page_for_people_needs_no_script_and_no_other_server() {
    let served = served();
    let answer = call(&served.front, &Method::GET, "/docs", None, None).await;
    let html = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(html.contains("toy.things.make") && html.contains("id=\"schema-MakeThingIn\""));
    for absent in ["<script", " style=\"", "onclick", "src=", "http://", "https://"] {
        assert!(!html.contains(absent), "{absent}");
    }
}

#[test]
#[should_panic(expected = "toy.mistake declares Anyone, but its handler admits Member")]
fn an_operation_that_names_another_caller_than_its_handler_does_not_start() {
    let served = served();
    let operation = Operation::get("/x", "toy.mistake").caller(crate::Who::Anyone);
    let _ = Routes::new(served.test.app.clone()).add(operation, async |_: crate::Ctx<crate::Member>| ());
}
