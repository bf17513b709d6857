use tokio_postgres::config::{Host, SslMode};

use crate::postgres::tls;
use crate::postgres::url::{Target, Verify};

fn parse(url: &str) -> Target {
    Target::parse(url).unwrap()
}

#[test]
fn a_url_names_user_password_host_and_database() {
    let target = parse("postgres://ann:p%40ss@db.example:6000/shop?application_name=x");
    assert_eq!(target.config.get_user(), Some("ann"));
    assert_eq!(target.config.get_password(), Some(&b"p@ss"[..]));
    assert_eq!(target.config.get_hosts(), [Host::Tcp("db.example".into())]);
    assert_eq!(target.config.get_ports(), [6000]);
    assert_eq!(target.config.get_dbname(), Some("shop"));
    assert_eq!(target.config.get_application_name(), Some("x"));
    assert_eq!(target.config.get_ssl_mode(), SslMode::Prefer);
}

#[test]
fn a_socket_is_named_by_its_directory_and_needs_no_tls() {
    for url in ["postgres://ann@/shop?host=/run/pg&sslmode=require", "postgres://ann@%2Frun%2Fpg/shop"] {
        let target = parse(url);
        assert_eq!(target.config.get_hosts(), [Host::Unix("/run/pg".into())]);
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
    }
}

#[test]
fn sslmode_means_what_it_means_in_libpq() {
    let cases = [
        ("disable", SslMode::Disable, Verify::Nothing),
        ("prefer", SslMode::Prefer, Verify::Nothing),
        ("require", SslMode::Require, Verify::Nothing),
        ("require&sslrootcert=/ca.pem", SslMode::Require, Verify::Authority),
        ("verify-ca", SslMode::Require, Verify::Authority),
        ("verify-full", SslMode::Require, Verify::AuthorityAndHost),
        ("verify-full&sslrootcert=system", SslMode::Require, Verify::AuthorityAndHost),
    ];
    for (value, mode, verify) in cases {
        let target = parse(&format!("postgres://u@h/d?sslmode={value}&connect_timeout=3"));
        assert_eq!((target.config.get_ssl_mode(), target.verify), (mode, verify), "{value}");
    }
    let target = parse("postgres://u@h/d?sslrootcert=%2Fa+b%2Fca.pem&sslmode=verify-ca");
    assert_eq!(target.root_certificate.unwrap().to_str(), Some("/a+b/ca.pem"));
}

#[test]
fn a_wrong_url_is_refused_without_repeating_the_password() {
    for url in [
        "mysql://u:secret@h/d",
        "postgres://u:secret@h:port/d",
        "postgres://u:secret@h/d?sslmode=x",
        "postgres:///d?x=secret",
    ] {
        let error = Target::parse(url).unwrap_err().to_string();
        assert!(error.contains("08001") && !error.contains("secret"), "{error}");
    }
}

#[test]
fn a_root_certificate_that_cannot_be_read_is_refused() {
    let target = parse("postgres://u@h/d?sslmode=verify-full&sslrootcert=/does/not/exist.pem");
    assert!(tls::connector(&target).is_err());
}
