//! URLs signed for S3 (AWS Signature Version 4, query string), with the size among what is signed. The crate signs no
//! `Content-Length`, and without it a URL for five bytes would take five gigabytes.

use std::fmt::Write as _;

use object_store::aws::AwsCredential;
use quoin_kernel::Timestamp;
use quoin_kernel::hash::{hmac_sha256, sha256};
use url::Url;

/// What is signed.
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    /// The URL without a query.
    pub(super) url: Url,
    /// Headers besides the host, in lower case.
    pub(super) headers: &'a [(String, String)],
    pub(super) region: &'a str,
    pub(super) at: Timestamp,
    pub(super) expires_in_s: u64,
}

impl Request<'_> {
    /// Returns the URL with its signature.
    pub(super) fn sign(&self, credential: &AwsCredential) -> Url {
        let stamp = stamp(self.at);
        let scope = format!("{}/{}/s3/aws4_request", &stamp[..8], self.region);
        let mut headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.trim())).collect();
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        headers.push(("host", host));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let mut query = vec![
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("X-Amz-Credential", format!("{}/{scope}", credential.key_id)),
            ("X-Amz-Date", stamp.clone()),
            ("X-Amz-Expires", self.expires_in_s.to_string()),
            ("X-Amz-SignedHeaders", names.join(";")),
        ];
        query.extend(credential.token.iter().map(|token| ("X-Amz-Security-Token", token.clone())));
        query.sort_unstable();
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let query = query.join("&");
        let lines = headers.iter().fold(String::new(), |mut lines, (name, value)| {
            // Writing into a String cannot fail.
            let _ = writeln!(lines, "{name}:{value}");
            lines
        });
        let canonical = format!(
            "{}\n{}\n{query}\n{lines}\n{}\nUNSIGNED-PAYLOAD",
            self.method,
            self.url.path(),
            names.join(";")
        );
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
        let first = format!("AWS4{}", credential.secret_key).into_bytes();
        let key = [&stamp[..8], self.region, "s3", "aws4_request"]
            .iter()
            .fold(first, |key, part| hmac_sha256(&key, part.as_bytes()).to_vec());
        let signature = hex(&hmac_sha256(&key, text.as_bytes()));
        let mut url = self.url.clone();
        url.set_query(Some(&format!("{query}&X-Amz-Signature={signature}")));
        url
    }
}

/// Writes a moment as `20130524T000000Z`.
fn stamp(at: Timestamp) -> String {
    let text = at.to_string();
    let plain: String =
        text.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{plain}Z")
}

/// Escapes everything that is not unreserved.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_own_example_is_signed_alike() {
        let credential = AwsCredential {
            key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        let request = Request {
            method: "GET",
            url: "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap(),
            headers: &[],
            region: "us-east-1",
            at: "2013-05-24T00:00:00Z".parse().unwrap(),
            expires_in_s: 86_400,
        };
        let signed = request.sign(&credential);
        let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(signed.as_str().ends_with(&format!("&X-Amz-Signature={signature}")), "{signed}");
    }
}
