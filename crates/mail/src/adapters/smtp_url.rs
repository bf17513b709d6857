//! `mail.smtp_url`: which server, how encrypted, as whom.

use std::net::IpAddr;

use quoin_kernel::Secret;
use url::{Host, Url};

/// An SMTP URL that cannot be used. The message never holds the URL, which holds a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtpUrl {
    /// Not of the form.
    #[error("mail.smtp_url must look like smtps://user:password@host:465 or smtp://user:password@host:587")]
    Form,
    /// A `tls` parameter that means nothing.
    #[error("mail.smtp_url takes tls=required (the default) or tls=none")]
    Tls,
    /// Without encryption to another machine, unless said twice.
    #[error("mail.smtp_url says tls=none for a host that is not loopback; add insecure=yes if that is meant")]
    Unencrypted,
    /// The extra certificate authority cannot be read.
    #[error("mail.smtp_ca_file holds no certificate in PEM form")]
    Authority,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Not at all.
    None,
    /// STARTTLS, and nothing without it (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
}

/// The parts of the URL.
#[derive(Debug)]
pub(super) struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<(String, Secret<String>)>,
}

impl SmtpUrl {
    pub(super) fn parse(url: &Secret<String>) -> Result<Self, InvalidSmtpUrl> {
        let url = Url::parse(url.expose()).map_err(|_| InvalidSmtpUrl::Form)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidSmtpUrl::Form)?.to_owned();
        let encryption = encryption(&url)?;
        let default_port = match encryption {
            Encryption::Implicit => 465,
            Encryption::StartTls => 587,
            Encryption::None => 25,
        };
        let credentials = match (decoded(url.username())?, url.password()) {
            (user, Some(password)) => Some((user, Secret::new(decoded(password)?))),
            (user, None) if user.is_empty() => None,
            (_, None) => return Err(InvalidSmtpUrl::Form),
        };
        Ok(Self { host, port: url.port().unwrap_or(default_port), encryption, credentials })
    }
}

fn encryption(url: &Url) -> Result<Encryption, InvalidSmtpUrl> {
    let option =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    match (url.scheme(), option("tls").as_deref()) {
        ("smtps", None | Some("required")) => Ok(Encryption::Implicit),
        ("smtp", None | Some("required")) => Ok(Encryption::StartTls),
        ("smtp", Some("none")) if is_loopback(url) || option("insecure").as_deref() == Some("yes") => {
            Ok(Encryption::None)
        }
        ("smtp", Some("none")) => Err(InvalidSmtpUrl::Unencrypted),
        ("smtp" | "smtps", Some(_)) => Err(InvalidSmtpUrl::Tls),
        _ => Err(InvalidSmtpUrl::Form),
    }
}

/// `smtp` is no special scheme of the URL standard, so even an IPv4 address comes as a domain.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn decoded(text: &str) -> Result<String, InvalidSmtpUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(InvalidSmtpUrl::Form);
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| InvalidSmtpUrl::Form)?);
    }
    String::from_utf8(bytes).map_err(|_| InvalidSmtpUrl::Form)
}
