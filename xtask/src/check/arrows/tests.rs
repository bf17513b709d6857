use super::may_name;

#[test]
fn arrows_point_down() {
    assert!(may_name("quoin-identity", "quoin-tenancy", None));
    assert!(may_name("quoin-server", "quoin-kernel", None));
    assert!(!may_name("quoin-db", "quoin-web", None));
    assert!(!may_name("quoin-kernel", "quoin-db", Some("dev")));
}

#[test]
fn neighbours_do_not_know_each_other() {
    assert!(!may_name("quoin-identity", "quoin-data", None));
    assert!(!may_name("quoin-data", "quoin-identity", Some("dev")));
}

#[test]
fn only_the_servers_tests_use_the_test_kit() {
    assert!(may_name("quoin-server", "quoin-testkit", Some("dev")));
    assert!(!may_name("quoin-server", "quoin-testkit", None));
    assert!(!may_name("quoin-identity", "quoin-testkit", Some("dev")));
}
