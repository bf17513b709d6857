//! How a command asks the server: through the socket of a running one, or by being the server itself for a moment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use quoin_web::Front;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::boot::{CannotStart, Instance, Outside};
use crate::control::{ControlKey, KEY, SOCKET};
use crate::data_dir::DataDirError;
use crate::settings::Settings;

/// An open door to the administration of one instance.
pub struct AdminDoor {
    way: Way,
    key: String,
}

enum Way {
    /// A server runs; its socket is beside its data.
    Socket(std::path::PathBuf),
    /// No server runs; this process answers itself.
    Within(Box<Instance>),
}

/// Why a command did not get what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The instance cannot be opened.
    #[error(transparent)]
    CannotStart(#[from] CannotStart),
    /// The running server does not answer.
    #[error("the running server does not answer on its control socket: {0}")]
    Silent(String),
    /// The server answered with a problem.
    #[error("{message}{}", .hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default())]
    Problem {
        /// The HTTP status.
        status: u16,
        /// What happened.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
}

impl AdminDoor {
    /// Opens the door.
    ///
    /// # Errors
    /// Where neither a server answers nor the instance can be opened.
    pub async fn open(settings: &Settings) -> Result<Self, Refused> {
        match Instance::start(settings, settings.listen, Outside::default()).await {
            Ok(instance) => {
                let identity = instance.identity.as_ref().ok_or_else(|| {
                    CannotStart::Setting("this command belongs to the process that serves identity".into())
                })?;
                let key = ControlKey::in_memory(identity).expose().to_owned();
                Ok(Self { way: Way::Within(Box::new(instance)), key })
            }
            Err(CannotStart::DataDir(DataDirError::InUse(directory))) => Self::of_running_server(&directory),
            Err(other) => Err(other.into()),
        }
    }

    fn of_running_server(directory: &Path) -> Result<Self, Refused> {
        let key = std::fs::read_to_string(directory.join(KEY))
            .map_err(|error| Refused::Silent(error.to_string()))?;
        Ok(Self { way: Way::Socket(directory.join(SOCKET)), key })
    }

    /// Makes one call and returns the JSON of its answer.
    ///
    /// # Errors
    /// [`Refused::Problem`] for every answer that is not a success.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Refused> {
        let silent = |error: &dyn std::fmt::Display| Refused::Silent(error.to_string());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = Bytes::from(body.map(Value::to_string).unwrap_or_default());
        let request = request.body(Full::new(bytes)).map_err(|error| silent(&error))?;
        match &self.way {
            Way::Within(instance) => read(ask_within(&instance.front, request).await).await,
            Way::Socket(path) => read(ask_socket(path, request).await?).await,
        }
    }

    /// Closes the database, where this process opened it.
    pub fn close(self) {
        if let Way::Within(instance) = self.way {
            instance.app.db().system().close();
        }
    }
}

async fn ask_within(front: &Front, request: Request<Full<Bytes>>) -> quoin_web::Response {
    front.handle(request, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await
}

async fn ask_socket(
    path: &Path,
    request: Request<Full<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, Refused> {
    let silent = |error: &dyn std::fmt::Display| Refused::Silent(error.to_string());
    let stream = UnixStream::connect(path).await.map_err(|error| silent(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| silent(&error))?;
    let answer = async move { sender.send_request(request).await };
    let (answer, ()) = tokio::join!(answer, async {
        // The connection's own failure shows as the request's.
        connection.await.ok();
    });
    answer.map_err(|error| silent(&error))
}

async fn read<B>(answer: Response<B>) -> Result<Value, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let status = answer.status();
    let collected = answer.into_body().collect().await.map_err(|error| Refused::Silent(error.to_string()))?;
    let bytes = collected.to_bytes();
    let value: Value =
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_default() };
    if status.is_success() {
        return Ok(value);
    }
    Err(Refused::Problem {
        status: status.as_u16(),
        message: value["message"].as_str().unwrap_or("The server refused.").to_owned(),
        hint: value["hint"].as_str().map(str::to_owned),
    })
}
