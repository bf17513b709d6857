use std::collections::BTreeMap;

use super::{InvalidSettings, Overrides, Room, load};

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn variables_reach_nested_keys_with_their_types() {
    let environment = environment(&[
        ("QUOIN_IDENTITY_LINK_S", "300"),
        ("QUOIN_ONLY", "identity,data"),
        ("QUOIN_MAIL_FROM", "a@b.c"),
    ]);
    let settings = load(&Overrides::default(), &environment).unwrap();
    assert_eq!(settings.identity.link_s, 300);
    assert_eq!(settings.only, [Room::Identity, Room::Data]);
    assert_eq!(settings.mail.from, "a@b.c");
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let mut overrides = Overrides::default();
    overrides.values.insert("listen", "127.0.0.1:1".into());
    let settings = load(&overrides, &environment(&[("QUOIN_LISTEN", "127.0.0.1:2")])).unwrap();
    assert_eq!(settings.listen.port(), 1);
}

#[test]
fn a_variable_that_means_nothing_is_refused_by_name() {
    let refused = load(&Overrides::default(), &environment(&[("QUOIN_LISTN", "x")])).unwrap_err();
    assert!(matches!(refused, InvalidSettings::UnknownVariable(name) if name == "QUOIN_LISTN"));
}

#[test]
fn an_empty_secret_stops_the_start() {
    let refused = load(&Overrides::default(), &environment(&[("QUOIN_SERVICE_SECRET", "")])).unwrap_err();
    assert!(matches!(refused, InvalidSettings::EmptySecret(name) if name == "service_secret"));
}

#[test]
fn values_outside_their_range_are_refused() {
    let refused = load(&Overrides::default(), &environment(&[("QUOIN_IDENTITY_LINK_S", "901")])).unwrap_err();
    assert_eq!(refused.to_string(), "identity.link_s must be between 60 and 900");
}

#[test]
fn a_secret_is_never_printed() {
    let settings =
        load(&Overrides::default(), &environment(&[("QUOIN_SERVICE_SECRET", "hunter22")])).unwrap();
    assert!(!format!("{settings:?}").contains("hunter22"));
}

#[test]
fn a_provider_takes_its_secret_from_the_environment() {
    let environment = environment(&[
        ("QUOIN_PROVIDERS_GOOGLE_CLIENT_ID", "web"),
        ("QUOIN_PROVIDERS_GOOGLE_CLIENT_SECRET", "quiet"),
        ("QUOIN_OUTBOUND_NETWORKS", "127.0.0.0/8"),
    ]);
    let settings = load(&Overrides::default(), &environment).unwrap();
    let google = settings.providers["google"].build("google").unwrap();
    assert_eq!((google.issuer.as_str(), google.client_id.as_str()), ("https://accounts.google.com", "web"));
    assert!(!format!("{google:?}").contains("quiet"));
    assert_eq!(settings.outbound_networks.len(), 1);
}

#[test]
fn a_provider_without_what_it_needs_is_refused() {
    for (name, value) in [("CLIENT_SECRET", ""), ("CLIENT_ID", "")] {
        let variable = format!("QUOIN_PROVIDERS_GOOGLE_{name}");
        let settings = load(&Overrides::default(), &environment(&[(&variable, value)])).unwrap();
        assert!(settings.providers["google"].build("google").is_err());
    }
}
