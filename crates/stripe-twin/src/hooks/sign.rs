//! `Stripe-Signature`: `t=…,v1=…`, HMAC-SHA-256 of `t.body` under the endpoint's secret.

use std::fmt::Write as _;

use quoin_kernel::hash::hmac_sha256;

/// Writes the header for a body sent at a moment, under each of the secrets.
pub fn header(secrets: &[&str], moment: i64, body: &str) -> String {
    let mut header = format!("t={moment}");
    for secret in secrets {
        let mac = hmac_sha256(secret.as_bytes(), format!("{moment}.{body}").as_bytes());
        header.push_str(",v1=");
        for byte in mac {
            // Writing into a String cannot fail.
            let _ = write!(header, "{byte:02x}");
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `stripe.webhooks.generateTestHeaderString` of the npm package 23.1.0.
    #[test]
    fn the_header_is_that_of_the_official_library() {
        let expected = "t=1785585600,v1=b114b1f9845a1806766fdc2d60c96510358766371ca9ac544bab50d5bf41f7b5";
        assert_eq!(header(&["whsec_test"], 1_785_585_600, "{\"id\":\"evt_1\"}"), expected);
    }
}
