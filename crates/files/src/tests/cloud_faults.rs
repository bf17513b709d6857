//! A server that speaks the protocol of S3 and fails in every way that a network and a service can: errors are clear,
//! nothing is left, and what needs no store goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use quoin_db::testing::on_each_engine;
use quoin_kernel::Secret;
use quoin_web::testing::request;
use quoin_web::{Body, Method};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Expect as _, House, KEY, MODULES};
use crate::adapters::Cloud;
use crate::config::S3Config;
use crate::port::ObjectStore;
use crate::service::sweep::sweep;
use crate::{FilesConfig, Guests};

const SOUND: u8 = 0;
/// 503 to everything.
const BUSY: u8 = 1;
/// Takes the request and never answers.
const SILENT: u8 = 2;
/// Gives half of what was asked for and closes; takes half of what is sent and closes.
const CUT: u8 = 3;
/// Gives other bytes than were stored, and says of what it gets that it is not what was sent.
const WRONG: u8 = 4;

/// A service with one bucket.
#[derive(Clone, Default)]
struct Service {
    mode: Arc<AtomicU8>,
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Service {
    #[expect(clippy::disallowed_methods, reason = "the service ends with the test's runtime")]
    async fn start() -> (Self, String) {
        let (service, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = service.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                // A client that goes away ends its connection, not the service.
                tokio::spawn(async move { serving.serve(stream).await.ok() });
            }
        });
        (service, url)
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    fn held(&self) -> usize {
        self.objects.lock().unwrap().len()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut line, mut length, mut range) = (String::new(), 0, None);
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            loop {
                let mut header = String::new();
                stream.read_line(&mut header).await?;
                let header = header.trim().to_ascii_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if let Some(value) = header.strip_prefix("range: bytes=") {
                    let (start, end) = value.split_once('-').unwrap();
                    range = Some((start.parse().unwrap(), end.parse::<usize>().unwrap() + 1));
                }
            }
            let mode = self.mode.load(Ordering::SeqCst);
            if mode == CUT && length > 0 {
                stream.read_exact(&mut vec![0; length / 2]).await?;
                return Ok(());
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            if mode == SILENT {
                std::future::pending::<()>().await;
            }
            let mut words = line.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let path = path.split('?').next().unwrap();
            let (head, answer) = self.answer(mode, (method, path), (body, range));
            stream.write_all(head.as_bytes()).await?;
            if mode == CUT && !answer.is_empty() {
                stream.write_all(&answer[..answer.len() / 2]).await?;
                return Ok(());
            }
            stream.write_all(&answer).await?;
        }
    }

    fn answer(
        &self,
        mode: u8,
        (method, path): (&str, &str),
        (body, range): (Vec<u8>, Option<(usize, usize)>),
    ) -> (String, Vec<u8>) {
        let plain = |status: &str, body: Vec<u8>| {
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"e\"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
                body.len()
            );
            (head, body)
        };
        let error = |status: &str, code: &str| {
            plain(status, format!("<Error><Code>{code}</Code><Message>no</Message></Error>").into_bytes())
        };
        let (mut head, mut answer) = match (mode, method) {
            (BUSY, _) => error("503 Slow Down", "SlowDown"),
            (WRONG, "PUT") => error("400 Bad Request", "BadDigest"),
            (_, "PUT") => {
                self.objects.lock().unwrap().insert(path.to_owned(), body);
                plain("200 OK", Vec::new())
            }
            (_, "DELETE") => {
                self.objects.lock().unwrap().remove(path);
                plain("204 No Content", Vec::new())
            }
            _ => match (self.objects.lock().unwrap().get(path).cloned(), range) {
                (None, _) => error("404 Not Found", "NoSuchKey"),
                (Some(whole), None) => plain("200 OK", whole),
                (Some(whole), Some((start, end))) => {
                    let (head, part) = plain("206 Partial Content", whole[start..end].to_vec());
                    (format!("{head}content-range: bytes {start}-{}/{}\r\n", end - 1, whole.len()), part)
                }
            },
        };
        if mode == WRONG
            && method == "GET"
            && let Some(last) = answer.last_mut()
        {
            *last ^= 1;
        }
        if method == "HEAD" {
            answer.clear();
        }
        head.push_str("\r\n");
        (head, answer)
    }
}

fn cloud(endpoint: &str) -> Cloud {
    let config = S3Config {
        bucket: Some("files".into()),
        endpoint: Some(endpoint.into()),
        access_key_id: Some("id".into()),
        secret_access_key: Some(Secret::new("secret".into())),
        ..S3Config::default()
    };
    Cloud::s3(&config).unwrap()
}

/// Reads a body as far as it comes, and says whether it came to its end.
async fn read(house: &House, path: &str) -> (u16, usize, bool) {
    let asked =
        request(&Method::GET, &format!("/storage/v1{path}")).header("authorization", format!("Bearer {KEY}"));
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 4711));
    let (parts, mut body) = house.front.handle(asked.body(Body::empty()).unwrap(), peer).await.into_parts();
    let mut length = 0;
    loop {
        match body.frame().await {
            Some(Ok(frame)) => length += frame.data_ref().map_or(0, bytes::Bytes::len),
            Some(Err(_)) => return (parts.status.as_u16(), length, false),
            None => return (parts.status.as_u16(), length, true),
        }
    }
}

async fn house(db: quoin_db::Db) -> (House, Service) {
    let (service, url) = Service::start().await;
    let cloud: Arc<dyn ObjectStore> = Arc::new(cloud(&url));
    let house = House::behind(db, FilesConfig::default(), Guests::default(), |_| cloud);
    house.make_bucket("docs", json!({})).await;
    (house, service)
}

/// As large as several pieces of an answer, and as one part of an upload at most.
const LARGE: usize = 1024 * 1024;

async fn put(house: &House, name: &str, length: usize) -> quoin_web::testing::TestAnswer {
    let path = format!("/object/docs/{name}");
    let headers = [("content-type", "text/plain")];
    house.send(Method::POST, &path, Some(KEY), &headers, vec![b'x'; length]).await
}

async fn what_needs_no_bytes_goes_on(house: &House) {
    house.get("/object/info/docs/small", KEY).await.expect(200);
    house.get("/object/info/docs/new", KEY).await.expect(404);
    let listed = house.post("/object/list/docs", KEY, json!({"prefix": ""})).await.expect(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(house.get("/usage", KEY).await.expect(200).json()["objects"], 2);
}

#[tokio::test]
async fn a_cloud_that_is_busy_cut_or_wrong_is_told_and_leaves_nothing() {
    on_each_engine(MODULES, async |db| {
        let (house, service) = house(db).await;
        put(&house, "small", 100).await.expect(200);
        put(&house, "large", LARGE).await.expect(200);
        assert_eq!(read(&house, "/object/docs/large").await, (200, LARGE, true));
        for (mode, status, code) in [
            (BUSY, 503, "storage_unavailable"),
            (CUT, 503, "storage_unavailable"),
            (WRONG, 502, "storage_damaged"),
        ] {
            service.set(mode);
            let started = Instant::now();
            for length in [100, LARGE] {
                assert_eq!(put(&house, "new", length).await.expect(status).code(), code, "{mode}");
            }
            assert!(started.elapsed() < Duration::from_secs(40), "waits are bounded");
            what_needs_no_bytes_goes_on(&house).await;
            service.set(SOUND);
            house.clock.advance(Duration::from_hours(1));
            sweep(&house.files).await.unwrap();
            assert_eq!(service.held(), 2, "nothing is left of what failed");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_given_what_was_not_stored() {
    on_each_engine(MODULES, async |db| {
        let (house, service) = house(db).await;
        put(&house, "small", 100).await.expect(200);
        put(&house, "large", LARGE).await.expect(200);
        service.set(WRONG);
        assert_eq!(house.get("/object/docs/small", KEY).await.expect(502).code(), "storage_differs");
        let (status, length, whole) = read(&house, "/object/docs/large").await;
        assert!(status == 200 && !whole && length < LARGE, "{status} {length} {whole}");
        service.set(CUT);
        assert!(house.get("/object/docs/small", KEY).await.status.is_server_error());
        assert!(!read(&house, "/object/docs/large").await.2);
        service.set(SOUND);
        assert_eq!(read(&house, "/object/docs/small").await, (200, 100, true));
        assert_eq!(read(&house, "/object/docs/large").await, (200, LARGE, true));
    })
    .await;
}

/// As long as the crate waits for an answer, which is why this asks everything at once.
#[tokio::test]
async fn a_cloud_that_never_answers_keeps_nobody_waiting_for_ever() {
    on_each_engine(MODULES, async |db| {
        let (house, service) = house(db).await;
        put(&house, "small", 100).await.expect(200);
        put(&house, "large", 200).await.expect(200);
        service.set(SILENT);
        let started = Instant::now();
        let (stored, given, ()) = tokio::join!(
            put(&house, "new", 100),
            house.get("/object/docs/small", KEY),
            what_needs_no_bytes_goes_on(&house),
        );
        assert_eq!(
            (stored.code(), given.code()),
            ("storage_unavailable".into(), "storage_unavailable".into())
        );
        assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
        service.set(SOUND);
        house.clock.advance(Duration::from_hours(1));
        sweep(&house.files).await.unwrap();
        assert_eq!(service.held(), 2);
    })
    .await;
}
