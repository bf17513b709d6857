use quoin_db::testing::fresh_sqlite;

use super::*;
use crate::testing::TestApp;

/// Opens a form and returns the headers with which a browser sends it back.
fn opened(app: &App) -> (HeaderMap, String) {
    let token = issue(app, &HeaderMap::new()).unwrap();
    let cookie = token.set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    (headers, token.field)
}

#[tokio::test]
async fn a_form_comes_back_only_with_its_own_cookie_field_and_origin() {
    let db = fresh_sqlite();
    let app = TestApp::new(db.clone()).app;
    let (mut headers, field) = opened(&app);
    assert!(verify(&app, &headers, Some(&field)).is_ok(), "a missing Origin is accepted");
    headers.insert(header::ORIGIN, HeaderValue::from_static("http://127.0.0.1:8080"));
    assert!(verify(&app, &headers, Some(&field)).is_ok());

    let (_, other) = opened(&app);
    for refused in [None, Some(""), Some("x"), Some(other.as_str())] {
        assert_eq!(verify(&app, &headers, refused).unwrap_err().code(), "csrf_failed");
    }
    for origin in ["http://evil.test", "null", "https://127.0.0.1:8080"] {
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        assert!(verify(&app, &headers, Some(&field)).is_err(), "{origin}");
    }
    assert!(verify(&app, &HeaderMap::new(), Some(&field)).is_err());
}

#[tokio::test]
async fn two_tabs_share_one_cookie() {
    let db = fresh_sqlite();
    let app = TestApp::new(db.clone()).app;
    let (headers, field) = opened(&app);
    let second = issue(&app, &headers).unwrap();
    assert_eq!(second.field, field);
}
