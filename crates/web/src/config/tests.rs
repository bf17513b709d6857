use super::*;

fn config(mode: Mode, entries: &[&str]) -> WebConfig {
    let mut config = WebConfig::at("https://api.example.com".parse().unwrap(), mode);
    config.site_url = "https://app.example.com/home".parse().unwrap();
    config.redirects = RedirectAllowList::parse(entries).unwrap();
    config
}

#[test]
fn targets_are_compared_by_scheme_host_port_and_path() {
    let config = config(
        Mode::Production,
        &[
            "https://one.example.com/cb",
            "https://any.example.com/**",
            "https://seg.example.com/a/*",
            "myapp://done",
        ],
    );
    for allowed in [
        "https://app.example.com/anything?x=1",
        "https://one.example.com/cb",
        "https://one.example.com:443/cb/deeper?x#y",
        "https://any.example.com",
        "https://any.example.com/a/b/c",
        "https://seg.example.com/a/b",
        "HTTPS://ONE.example.com/cb",
        "myapp://done/now",
    ] {
        assert!(config.allowed_redirect(allowed).is_some(), "{allowed}");
    }
    for refused in [
        "http://one.example.com/cb",
        "https://one.example.com:8443/cb",
        "https://one.example.com/cbx",
        "https://one.example.com/cb/../secret",
        "https://one.example.com/cb/%2e%2e/secret",
        "https://one.example.com.evil.test/cb",
        "https://one.example.com@evil.test/cb",
        "https://user@one.example.com/cb",
        "https://evil.test\\@one.example.com/cb",
        "//one.example.com/cb",
        "/cb",
        "javascript:alert(1)",
        "javascript://one.example.com/%0aalert(1)",
        "https://seg.example.com/a",
        "https://seg.example.com/a/b/c",
        "https://one.example.com/cb\n",
        "http://localhost:3000/",
        "",
    ] {
        assert!(config.allowed_redirect(refused).is_none(), "{refused}");
    }
}

#[test]
fn loopback_is_a_target_in_development_only() {
    for target in ["http://localhost:3000/x", "http://127.0.0.1:1/", "http://[::1]:3000/"] {
        assert!(config(Mode::Development, &[]).allowed_redirect(target).is_some(), "{target}");
        assert!(config(Mode::Production, &[]).allowed_redirect(target).is_none(), "{target}");
    }
    assert!(config(Mode::Development, &[]).allowed_redirect("http://localhost.evil.test/").is_none());
}

#[test]
fn a_refused_target_becomes_the_site() {
    let config = config(Mode::Production, &[]);
    assert_eq!(config.redirect_or_site(Some("https://evil.test")).as_str(), "https://app.example.com/home");
    assert_eq!(config.redirect_or_site(None).as_str(), "https://app.example.com/home");
}

#[test]
fn stars_outside_the_end_of_a_path_are_refused() {
    assert!(RedirectAllowList::parse(&["https://*.example.com/**"]).is_err());
    assert!(RedirectAllowList::parse(&["not a url"]).is_err());
}

#[test]
fn forwarded_addresses_are_believed_from_the_right_and_only_as_configured() {
    let peer: SocketAddr = "10.0.0.9:1".parse().unwrap();
    let mut headers = HeaderMap::new();
    headers.append("x-forwarded-for", "6.6.6.6, 1.1.1.1".parse().unwrap());
    headers.append("x-forwarded-for", "2.2.2.2".parse().unwrap());
    let mut config = config(Mode::Production, &[]);
    for (proxies, expected) in
        [(0, "10.0.0.9"), (1, "2.2.2.2"), (2, "1.1.1.1"), (3, "6.6.6.6"), (4, "10.0.0.9")]
    {
        config.trusted_proxies = proxies;
        assert_eq!(config.client_ip(peer, &headers).to_string(), expected);
    }
}

#[test]
fn links_are_built_below_the_public_url() {
    let mut config = config(Mode::Production, &[]);
    config.public_url = "https://example.com/quoin/".parse().unwrap();
    assert_eq!(
        config.link("/auth/v1/verify?token=a").as_str(),
        "https://example.com/quoin/auth/v1/verify?token=a"
    );
}
