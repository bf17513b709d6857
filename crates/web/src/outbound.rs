//! The one HTTP client for requests to other servers: guarded, bounded, and silent about secrets.

mod guard;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use ipnet::IpNet;
use url::Url;

pub use guard::is_public;

use guard::Guard;

/// Says what requests to other servers may do.
#[derive(Debug, Clone)]
pub struct OutboundConfig {
    /// Private networks that may be reached all the same, for example a provider inside the company.
    pub allowed_networks: Vec<IpNet>,
    /// How long one request may take in all.
    pub timeout: Duration,
    /// How large an answer may be, in bytes.
    pub max_answer_bytes: usize,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self { allowed_networks: Vec::new(), timeout: Duration::from_secs(10), max_answer_bytes: 1024 * 1024 }
    }
}

/// Sends requests to other servers: to public addresses only, without following redirects.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Made at the first request, because reading the machine's roots takes longer than everything else at a start.
    client: Arc<OnceLock<reqwest::Client>>,
    guard: Arc<Guard>,
    config: Arc<OutboundConfig>,
}

/// A request to another server.
#[derive(Debug)]
pub struct OutboundRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The answer of another server.
#[derive(Debug)]
pub struct OutboundAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL is not one of HTTP, or names an address that may not be reached.
    #[error("the address {0} may not be reached")]
    Forbidden(String),
    /// The answer is larger than allowed.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The server.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The server could not be reached, or did not answer in time. The URL is left out: it may hold secrets.
    #[error("{host} did not answer")]
    Failed {
        /// The server.
        host: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
}

impl OutboundRequest {
    /// Starts a request without headers or body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

impl Outbound {
    /// Takes the limits; nothing is read or opened before the first request.
    pub fn new(config: &OutboundConfig) -> Self {
        let guard = Arc::new(Guard::new(config.allowed_networks.clone()));
        Self { client: Arc::default(), guard, config: Arc::new(config.clone()) }
    }

    fn client(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        #[expect(clippy::disallowed_methods, reason = "the one client that every outgoing request passes")]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::clone(&self.guard))
            .timeout(self.config.timeout)
            .connect_timeout(self.config.timeout / 2)
            .no_proxy()
            .user_agent("Quoin")
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`OutboundError`], which never holds the URL's path or query.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        self.guard.check_url(&request.url)?;
        let failed = |source: reqwest::Error| OutboundError::Failed {
            host: host.clone(),
            source: source.without_url(),
        };
        let client = self.client().map_err(failed)?;
        let sent = client.request(request.method, request.url).headers(request.headers).body(request.body);
        let mut answer = sent.send().await.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.config.max_answer_bytes {
                return Err(OutboundError::TooLarge { host, limit: self.config.max_answer_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        tracing::debug!(host, status = status.as_u16(), bytes = body.len(), "outbound answer");
        Ok(OutboundAnswer { status, headers, body: body.freeze() })
    }
}
