use super::*;

fn config(url: &str, mode: Mode) -> WebConfig {
    WebConfig::at(url.parse().unwrap(), mode)
}

#[test]
fn a_cookie_in_public_carries_every_guard() {
    let config = config("https://api.example.com", Mode::Production);
    let cookie = set(&config, "csrf", "abc", Some(Duration::from_mins(1))).unwrap();
    assert_eq!(cookie, "__Host-quoin-csrf=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60");
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_static("a=b; quoin-csrf=no; __Host-quoin-csrf=abc"));
    assert_eq!(get(&config, &headers, "csrf"), Some("abc"));
    assert!(set(&config, "csrf", "a;b", None).is_err());
}

#[test]
fn only_plain_http_in_development_does_without_the_prefix() {
    let plain = config("http://127.0.0.1:8080", Mode::Development);
    assert_eq!(set(&plain, "csrf", "abc", None).unwrap(), "quoin-csrf=abc; Path=/; HttpOnly; SameSite=Lax");
    for config in [config("https://localhost", Mode::Development), config("http://x.test", Mode::Production)]
    {
        assert!(set(&config, "csrf", "abc", None).unwrap().to_str().unwrap().starts_with("__Host-"));
    }
}
