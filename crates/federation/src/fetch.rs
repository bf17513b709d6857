//! The way out: one request, one bounded answer.

use std::sync::Arc;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use quoin_kernel::port::BoxFuture;
use quoin_web::outbound::{Outbound, OutboundRequest};
use url::Url;

/// Sends requests to providers. The server's guarded client does; tests play the provider themselves.
pub trait Fetch: Send + Sync {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`CannotFetch`], which never holds the URL's path or query.
    fn fetch(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, CannotFetch>>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CannotFetch(pub String);

/// The way out, as the library wants it.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) Arc<dyn Fetch>);

impl<'c> AsyncHttpClient<'c> for Client {
    type Error = CannotFetch;
    type Future = BoxFuture<'c, Result<HttpResponse, CannotFetch>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.0.fetch(request)
    }
}

/// A way out that takes HTTPS alone.
pub(crate) struct HttpsOnly(pub(crate) Arc<dyn Fetch>);

impl Fetch for HttpsOnly {
    fn fetch(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, CannotFetch>> {
        if request.uri().scheme_str() == Some("https") {
            return self.0.fetch(request);
        }
        Box::pin(async { Err(CannotFetch("only HTTPS is spoken with it".to_owned())) })
    }
}

impl Fetch for Outbound {
    fn fetch(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, CannotFetch>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url: Url = parts.uri.to_string().parse().map_err(|_| CannotFetch("no URL".to_owned()))?;
            let mut outgoing = OutboundRequest::new(parts.method, url);
            outgoing.headers = parts.headers;
            outgoing.body = body.into();
            let answer = self.send(outgoing).await.map_err(|error| CannotFetch(error.to_string()))?;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}
