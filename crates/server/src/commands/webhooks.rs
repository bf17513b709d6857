//! `quoin webhooks`: keeps what Stripe delivers, and delivers it again.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use clap::Subcommand;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use quoin_kernel::Clock as _;
use quoin_kernel::clock::SystemClock;
use quoin_web::outbound::{OutboundAnswer, OutboundRequest};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use super::{print, stripe_twin};

/// How large an event may be.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write every event that arrives into a file of its own
    Capture {
        /// Where to; made when missing
        #[arg(long)]
        dir: PathBuf,
        /// Where to listen, for example for `stripe listen --forward-to`
        #[arg(long, default_value = "127.0.0.1:4243")]
        at: SocketAddr,
        /// Stop after so many
        #[arg(long)]
        count: Option<usize>,
    },
    /// Deliver captured events again, signed now
    Replay {
        /// Files that `capture` wrote, in the order in which they are sent
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The endpoint
        #[arg(long)]
        to: Url,
        /// Its signing secret, whsec_…
        #[arg(long, env = "QUOIN_STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
        secret: String,
    },
}

/// Runs the command.
pub(crate) fn run(command: Command, json: bool) -> Result<(), String> {
    match command {
        Command::Capture { dir, at, count } => capture(&dir, at, count.unwrap_or(usize::MAX)),
        Command::Replay { files, to, secret } => replay(&files, &to, &secret, json),
    }
}

/// Sends one request and waits for its answer.
pub(super) fn send(request: OutboundRequest) -> Result<OutboundAnswer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(stripe_twin::client().send(request)).map_err(|error| error.to_string())
}

fn replay(files: &[PathBuf], to: &Url, secret: &str, json: bool) -> Result<(), String> {
    for file in files {
        let body = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let event: Value =
            serde_json::from_str(&body).map_err(|error| format!("{}: {error}", file.display()))?;
        let signature = quoin_stripe_twin::signature_header(&[secret], SystemClock.now().as_seconds(), &body);
        let mut request = OutboundRequest::new(Method::POST, to.clone());
        request
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        let signature = HeaderValue::from_str(&signature).map_err(|error| error.to_string())?;
        request.headers.insert(HeaderName::from_static("stripe-signature"), signature);
        request.body = body.into();
        let answer = send(request)?;
        let kind = event["type"].as_str().unwrap_or("?");
        if !answer.status.is_success() {
            return Err(format!("{}: {kind} was answered with {}", file.display(), answer.status));
        }
        let said = serde_json::json!({"file": file, "type": kind, "status": answer.status.as_u16()});
        print(json, &said, &[format!("{}  {kind}  {}", answer.status.as_u16(), file.display())]);
    }
    Ok(())
}

fn capture(dir: &Path, at: SocketAddr, count: usize) -> Result<(), String> {
    if !at.ip().is_loopback() {
        return Err("webhooks are captured on loopback only; let `stripe listen` forward to it".into());
    }
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let listener = TcpListener::bind(at).await.map_err(|error| format!("{at}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        eprintln!("Capturing webhooks at http://{address}/ into {}", dir.display());
        let kept = Arc::new(AtomicUsize::new(0));
        while kept.load(Ordering::SeqCst) < count {
            let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
            let service = service_fn(|request| {
                let (dir, kept) = (dir.to_owned(), Arc::clone(&kept));
                async move { Ok::<_, Infallible>(keep(request, &dir, &kept).await) }
            });
            // One at a time, so that the files are numbered in the order of arrival.
            let served =
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                eprintln!("a connection broke: {error}");
            }
        }
        Ok(())
    })
}

/// Writes one event into `0001-invoice.paid-evt_….json`, byte for byte as it came.
async fn keep(request: Request<Incoming>, dir: &Path, kept: &AtomicUsize) -> Response<Full<Bytes>> {
    let answer = |status: StatusCode| {
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = status;
        response
    };
    let Ok(body) = Limited::new(request.into_body(), MOST_BYTES).collect().await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let body = body.to_bytes();
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (Some(id), Some(kind)) = (event["id"].as_str(), event["type"].as_str()) else {
        return answer(StatusCode::BAD_REQUEST);
    };
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).collect::<String>()
    };
    let number = kept.load(Ordering::SeqCst) + 1;
    let path = dir.join(format!("{number:04}-{}-{}.json", plain(kind), plain(id)));
    match std::fs::write(&path, &body) {
        Ok(()) => {
            kept.store(number, Ordering::SeqCst);
            println!("{}", path.display());
            answer(StatusCode::OK)
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            answer(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
