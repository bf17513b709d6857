use super::*;

/// Posts raw bytes as JSON, or as what `content_type` says.
async fn post(
    served: &Served,
    path: &str,
    content_type: Option<&str>,
    body: Vec<u8>,
) -> crate::testing::TestAnswer {
    let mut builder = request(&Method::POST, path);
    if let Some(content_type) = content_type {
        builder = builder.header("content-type", content_type);
    }
    send(&served.front, builder.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn bodies_that_cannot_be_used_are_refused_with_4xx() {
    let served = served();
    let deep = format!("{{\"name\":\"a\",\"extra\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let deepest_allowed = format!("{{\"name\":\"a\",\"extra\":{}{}}}", "[".repeat(63), "]".repeat(63));
    let brackets_in_text = format!("{{\"name\":\"{}\"}}", "[".repeat(100));
    for (body, status, code) in [
        (b"{\"name\":\"a\"}".to_vec(), 201, ""),
        (deepest_allowed.into_bytes(), 201, ""),
        (brackets_in_text.into_bytes(), 201, ""),
        (br#"{"name":"\\u0000"}"#.to_vec(), 201, ""),
        (b"".to_vec(), 400, "validation_failed"),
        (b"{".to_vec(), 400, "bad_json"),
        (b"{\"name\":\"a\"} x".to_vec(), 400, "bad_json"),
        (b"null".to_vec(), 400, "validation_failed"),
        (b"[]".to_vec(), 400, "validation_failed"),
        (b"{\"name\":1}".to_vec(), 400, "validation_failed"),
        (b"{\"name\":\"a\",\"name\":\"b\"}".to_vec(), 400, "validation_failed"),
        (b"{\"name\":\"a\",\"unknown\":1}".to_vec(), 400, "validation_failed"),
        (b"{\"name\":\"a\",\"count\":256}".to_vec(), 400, "validation_failed"),
        (b"{\"name\":\"a\",\"count\":-1}".to_vec(), 400, "validation_failed"),
        (b"{\"name\":\"a\",\"count\":1e999}".to_vec(), 400, "bad_json"),
        (b"{\"name\":\"a\",\"count\":99999999999999999999999999}".to_vec(), 400, "validation_failed"),
        (b"{\"name\":\"a\",\"extra\":1e999}".to_vec(), 400, "bad_json"),
        (b"{\"name\":\"\xff\"}".to_vec(), 400, "bad_json"),
        (b"{\"name\":\"a\0b\"}".to_vec(), 400, "bad_json"),
        (br#"{"name":"a\u0000b"}"#.to_vec(), 400, "bad_json"),
        (br#"{"name":"\ud800"}"#.to_vec(), 400, "bad_json"),
        (deep.into_bytes(), 400, "bad_json"),
        (vec![b'['; 4000], 400, "bad_json"),
        (vec![b' '; 5000], 413, "payload_too_large"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = post(&served, "/toy/v1/things", Some("application/json"), body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{shown}");
    }
}

#[tokio::test]
async fn the_field_that_does_not_fit_is_named() {
    let served = served();
    let body = br#"{"name":"a","parts":[{"size":1},{"size":"big"}]}"#.to_vec();
    let answer = post(&served, "/toy/v1/things", Some("application/json"), body).await.json();
    assert_eq!(answer["errors"][0]["field"], "parts[1].size");
    assert_eq!(answer["detail"], "parts[1].size: invalid type: string \"big\", expected f64");
    let answer = post(&served, "/toy/v1/things", Some("application/json"), b"{}".to_vec()).await.json();
    assert_eq!(answer["detail"], "missing field `name`");
}

#[tokio::test]
async fn a_refused_secret_is_not_repeated_in_the_answer() {
    let served = served();
    let body = br#"{"name":"a","password":["sesame"]}"#.to_vec();
    let answer = post(&served, "/toy/v1/things", Some("application/json"), body).await;
    assert!(answer.status == 400 && !String::from_utf8_lossy(&answer.body).contains("sesame"));
}

#[tokio::test]
async fn only_the_declared_types_of_body_are_read() {
    let served = served();
    let json = br#"{"name":"a"}"#;
    for (content_type, status) in [
        (Some("application/json; charset=utf-8"), 201),
        (Some("application/vnd.x+json"), 201),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data"), 415),
        (None, 415),
    ] {
        let answer = post(&served, "/toy/v1/things", content_type, json.to_vec()).await;
        assert_eq!(answer.status.as_u16(), status, "{content_type:?}");
    }
    for (content_type, body, status) in [
        ("application/x-www-form-urlencoded", &b"size=1.5"[..], 200),
        ("application/json", br#"{"size":1.5}"#, 200),
        ("application/x-www-form-urlencoded", b"size=big", 400),
        ("application/x-www-form-urlencoded", b"size=%00", 400),
        ("application/x-www-form-urlencoded", b"size=%ff", 400),
        ("application/x-www-form-urlencoded", b"size=\xff", 400),
        ("application/x-www-form-urlencoded", b"size=1&size=2", 400),
        ("text/plain", b"size=1", 415),
    ] {
        let answer = post(&served, "/toy/v1/form", Some(content_type), body.to_vec()).await;
        assert_eq!(answer.status.as_u16(), status, "{}", String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn paths_and_queries_that_are_no_text_are_refused() {
    let served = served();
    let ann = "user:018f0000-0000-7000-8000-000000000001";
    for (path, status) in [
        ("/toy/v1/things?limit=5", 200),
        ("/toy/v1/things?cursor=%F0%9F%98%80", 200),
        ("/toy/v1/things?limit=5&limit=6", 400),
        ("/toy/v1/things?limit=-1", 400),
        ("/toy/v1/things?limit=99999999999999999999", 400),
        ("/toy/v1/things?cursor=%00", 400),
        ("/toy/v1/things?cursor=%ff", 400),
        ("/toy/v1/things?cursor=%", 200),
        ("/toy/v1/one/%00", 400),
        ("/toy/v1/one/%ff%fe", 400),
        ("/%00", 400),
        ("/..%2f..%2fetc%2fpasswd", 404),
        ("//", 404),
    ] {
        let answer = call(&served.front, &Method::GET, path, Some(ann), None).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn strange_headers_break_nothing() {
    let served = served();
    for name in [
        "traceparent",
        "x-request-id",
        "user-agent",
        "x-forwarded-for",
        "origin",
        "cookie",
        "idempotency-key",
    ] {
        let built = request(&Method::POST, "/toy/v1/form")
            .header("content-type", "application/json")
            .header(name, &b"\xff\xfe\x80"[..])
            .body(Body::from("{\"size\":1}"));
        assert_eq!(send(&served.front, built.unwrap()).await.status, 200, "{name}");
    }
    let opaque =
        request(&Method::POST, "/toy/v1/form").header("content-type", &b"\xff"[..]).body(Body::empty());
    assert_eq!(send(&served.front, opaque.unwrap()).await.status, 415);
}
