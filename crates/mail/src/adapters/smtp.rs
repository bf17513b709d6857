//! SMTP through the `lettre` crate: STARTTLS or TLS from the start, AUTH PLAIN or LOGIN, pooled connections.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{EmailAddress, Secret};

use super::smtp_url::{Encryption, SmtpUrl};
use crate::model::Message;
use crate::port::{SendError, Transport};

pub use super::smtp_url::InvalidSmtpUrl;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one message may take from the first byte to the last; far less than the lease of its job.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(90);
/// Connections kept open at most.
const CONNECTIONS: u32 = 10;
/// Answers about the credentials or the need for them: the set-up is wrong, not the message (RFC 4954, section 6).
const SETUP_FAULTS: [u16; 4] = [530, 534, 535, 538];

/// Sends through one SMTP server.
pub struct SmtpTransport {
    inner: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

/// The server has fallen silent.
#[derive(Debug, thiserror::Error)]
#[error("the mail server did not answer in time")]
struct Silent(#[source] tokio::time::error::Elapsed);

impl SmtpTransport {
    /// Prepares connections to the server that `url` names; `ca_pem` is trusted besides the system's authorities.
    ///
    /// # Errors
    /// A URL that is not understood or would send without encryption by accident.
    pub fn new(url: &Secret<String>, ca_pem: Option<&[u8]>) -> Result<Self, InvalidSmtpUrl> {
        Self::with_timeout(url, ca_pem, DELIVERY_TIMEOUT)
    }

    pub(crate) fn with_timeout(
        url: &Secret<String>,
        ca_pem: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, InvalidSmtpUrl> {
        let url = SmtpUrl::parse(url)?;
        let tls = match url.encryption {
            Encryption::None => Tls::None,
            Encryption::StartTls => Tls::Required(tls_parameters(&url.host, ca_pem)?),
            Encryption::Implicit => Tls::Wrapper(tls_parameters(&url.host, ca_pem)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&url.host)
            .port(url.port)
            .tls(tls)
            .timeout(Some(CONNECT_TIMEOUT.min(timeout)))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30)));
        if let Some((user, password)) = url.credentials {
            builder = builder
                .credentials(Credentials::new(user, password.expose().clone()))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        Ok(Self { inner: builder.build(), timeout })
    }
}

fn tls_parameters(host: &str, ca_pem: Option<&[u8]>) -> Result<TlsParameters, InvalidSmtpUrl> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = ca_pem {
        let certificate = Certificate::from_pem(pem).map_err(|_| InvalidSmtpUrl::Authority)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|_| InvalidSmtpUrl::Authority)
}

impl Transport for SmtpTransport {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let mail = compose(message).map_err(SendError::Permanent)?;
            // The client's own time limit covers connecting only: without this one, a silent server would hold the try.
            match tokio::time::timeout(self.timeout, self.inner.send(mail)).await {
                Ok(answered) => answered.map(|_| ()).map_err(classify),
                Err(elapsed) => Err(SendError::Temporary(Box::new(Silent(elapsed)))),
            }
        })
    }
}

/// Sorts failures: only an answer that refuses this very message is final.
fn classify(error: lettre::transport::smtp::Error) -> SendError {
    let is_final = match error.status() {
        Some(code) => error.is_permanent() && !SETUP_FAULTS.contains(&u16::from(code)),
        None => false,
    };
    if is_final { SendError::Permanent(Box::new(error)) } else { SendError::Temporary(Box::new(error)) }
}

/// Writes the message in the form of RFC 5322. Every header is made from a typed value, none from text.
pub(super) fn compose(
    message: &Message,
) -> Result<lettre::Message, Box<dyn std::error::Error + Send + Sync>> {
    let date =
        u64::try_from(message.date.as_seconds()).map_or(UNIX_EPOCH, |s| UNIX_EPOCH + Duration::from_secs(s));
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
    let mail = lettre::Message::builder()
        .from(Mailbox::new(message.from.name.clone(), address(&message.from.address)?))
        .to(Mailbox::new(None, address(&message.to)?))
        .subject(&message.subject)
        .date(date)
        .message_id(Some(message.message_id()))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))?;
    Ok(mail)
}

fn address(address: &EmailAddress) -> Result<Address, lettre::address::AddressError> {
    address.as_str().parse()
}
