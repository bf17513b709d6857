//! Where a person lands after a link: the application's URL with what its client library looks for there.

use quoin_kernel::Problem;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::service::{IssuedSession, Verified};

/// What the first of two addresses is told.
pub(super) const OTHER_ADDRESS: &str =
    "This address has agreed. Now open the link that was sent to the other address.";

/// Adds tokens to the fragment, which browsers send to nobody, or a code to the query.
pub fn success(verified: Verified, mut target: Url) -> Url {
    match verified {
        Verified::Session(issued, purpose) => {
            target.set_fragment(Some(&tokens(&issued, Some(purpose.verification_type()))));
        }
        Verified::SignedIn(issued) => target.set_fragment(Some(&tokens(&issued, None))),
        Verified::Code(code) => {
            target.query_pairs_mut().append_pair("code", code.expose());
        }
        Verified::OneOfTwo => {
            let message = Serializer::new(String::new()).append_pair("message", OTHER_ADDRESS).finish();
            target.set_fragment(Some(&message));
        }
    }
    target
}

/// Adds the refusal to the query and to the fragment: servers read the one, browsers the other.
pub(super) fn failure(problem: &Problem, mut target: Url) -> Url {
    let pairs = [
        ("error", "access_denied"),
        ("error_code", problem.code()),
        ("error_description", problem.message()),
    ];
    target.query_pairs_mut().extend_pairs(pairs);
    let fragment = Serializer::new(String::new()).extend_pairs(pairs).finish();
    target.set_fragment(Some(&fragment));
    target
}

fn tokens(issued: &IssuedSession, kind: Option<&str>) -> String {
    Serializer::new(String::new())
        .append_pair("access_token", &issued.access_token)
        .append_pair("expires_at", &issued.expires_at.to_string())
        .append_pair("expires_in", &issued.expires_in.to_string())
        .append_pair("refresh_token", &issued.refresh_token)
        .append_pair("token_type", "bearer")
        .extend_pairs(kind.map(|kind| ("type", kind)))
        .finish()
}
