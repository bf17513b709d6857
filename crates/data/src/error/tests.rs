use quoin_kernel::Problem;

use super::DataError;
use quoin_policy::model::requester::RequestRole;

#[test]
fn what_a_caller_sends_is_never_the_servers_fault() {
    // Classes of PostgreSQL that the values, the size or the shape of a request can cause.
    for code in [
        "21000", "22003", "22P02", "23502", "23503", "23505", "23514", "42501", "42601", "42883", "54000",
        "54001",
    ] {
        for role in [RequestRole::Anon, RequestRole::Authenticated, RequestRole::Service] {
            let refused = DataError::Refused { code: code.into(), message: "refused".into(), role };
            let status = Problem::from(refused).status();
            assert!((400..500).contains(&status), "{code} as {role:?} answers {status}");
        }
    }
}
