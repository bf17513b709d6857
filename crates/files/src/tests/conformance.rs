//! What every store must do, tried on each that is there.
//!
//! The disk is always there. S3 is where `QUOIN_TEST_S3_URL` names a server with the bucket `files` and the keys below, and
//! Google's store where `QUOIN_TEST_GCS_URL` names one with the bucket `files`; `cargo xtask test` starts both.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quoin_kernel::hash::sha256;
use quoin_kernel::port::BoxFuture;
use quoin_kernel::rng::{SystemRng, token};
use quoin_kernel::{OrgId, Problem, Secret};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::now;
use crate::adapters::{Cloud, Disk};
use crate::config::{GcsConfig, S3Config};
use crate::model::{BucketName, Owner, StoreKey, StoreKind, VersionId};
use crate::port::{Announced, ByteStream, Label, ObjectStore, StoreError, UploadLog};

/// The keys of the S3 server for tests.
const ACCESS_KEY: &str = "quoin-test";
const SECRET_KEY: &str = "quoin-test-secret";

/// Remembers what was begun on the store's side.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl UploadLog for Log {
    fn began<'a>(&'a self, upload_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.lock().unwrap().push(upload_id.to_owned());
        Box::pin(async { Ok(()) })
    }
}

/// Refuses that anything is begun, as a lost lease does.
struct Refusing;

impl UploadLog for Refusing {
    fn began<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Source(Problem::invalid("no"))) })
    }
}

#[expect(clippy::disallowed_methods, reason = "the test harness tells tests where its servers are")]
pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        println!("not on every counterpart: {name} is not set");
    }
    value
}

/// A bucket of the S3 server for tests, under a prefix of its own.
pub(super) fn s3() -> Option<Cloud> {
    let config = S3Config {
        bucket: Some("files".into()),
        prefix: format!("test-{}", token(&SystemRng::default())),
        endpoint: Some(variable("QUOIN_TEST_S3_URL")?),
        access_key_id: Some(ACCESS_KEY.into()),
        secret_access_key: Some(Secret::new(SECRET_KEY.into())),
        ..S3Config::default()
    };
    Some(Cloud::s3(&config).unwrap())
}

/// A bucket of what stands in for Google's store, under a prefix of its own.
fn gcs() -> Option<Cloud> {
    let config = GcsConfig {
        bucket: Some("files".into()),
        prefix: format!("test-{}", token(&SystemRng::default())),
        endpoint: Some(variable("QUOIN_TEST_GCS_URL")?),
        service_account: None,
    };
    Some(Cloud::gcs(&config).unwrap())
}

fn key() -> StoreKey {
    let rng = SystemRng::default();
    let owner = Owner::Organization(OrgId::new(now(), &rng));
    StoreKey::new(owner, &BucketName::new("a shelf").unwrap(), VersionId::new(now(), &rng))
}

fn label() -> Label {
    Label {
        content_type: "text/plain".into(),
        content_encoding: None,
        bucket: "a shelf".into(),
        name: "Grüße 100%.txt".into(),
    }
}

fn bytes(pieces: Vec<Bytes>) -> ByteStream {
    Box::pin(stream::iter(pieces.into_iter().map(Ok)))
}

fn once(text: &'static str) -> ByteStream {
    bytes(vec![Bytes::from_static(text.as_bytes())])
}

async fn read(store: &dyn ObjectStore, key: &StoreKey, range: std::ops::Range<u64>) -> Vec<u8> {
    let pieces: Vec<Bytes> = store.read(key, range).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

/// Writes, reads in parts, refuses a second write, copies, removes.
async fn keeps_what_it_is_given(store: &dyn ObjectStore) {
    let (key, log) = (key(), Log::default());
    assert!(matches!(store.size(&key).await, Err(StoreError::Missing)));
    assert!(matches!(store.read(&key, 0..1).await.err(), Some(StoreError::Missing)));
    let pieces = ["01", "234", "", "56789"].map(|text| Bytes::from_static(text.as_bytes())).to_vec();
    assert_eq!(store.write(&key, &label(), bytes(pieces), &log).await.unwrap(), 10);
    assert_eq!(store.size(&key).await.unwrap(), 10);
    for (range, expected) in [(0..10, "0123456789"), (0..1, "0"), (3..7, "3456"), (9..10, "9")] {
        assert_eq!(read(store, &key, range).await, expected.as_bytes());
    }
    let copy = self::key();
    store.copy(&key, &copy, 10, &label(), &log).await.unwrap();
    store.remove(std::slice::from_ref(&key)).await.unwrap();
    assert!(matches!(store.size(&key).await, Err(StoreError::Missing)));
    assert_eq!(read(store, &copy, 0..10).await, b"0123456789");
    store.remove(&[key.clone(), copy, key]).await.unwrap();
    assert!(log.0.lock().unwrap().is_empty(), "small objects need no parts");
}

async fn keeps_an_empty_object(store: &dyn ObjectStore) {
    let key = key();
    assert_eq!(store.write(&key, &label(), bytes(vec![]), &Log::default()).await.unwrap(), 0);
    assert_eq!(store.size(&key).await.unwrap(), 0);
    store.remove(&[key]).await.unwrap();
}

async fn writes_a_key_once(store: &dyn ObjectStore) {
    let key = key();
    store.write(&key, &label(), once("first"), &Log::default()).await.unwrap();
    let second = store.write(&key, &label(), once("second one"), &Log::default()).await;
    assert!(matches!(second, Err(StoreError::Taken)), "{second:?}");
    assert_eq!(read(store, &key, 0..5).await, b"first");
    store.remove(&[key]).await.unwrap();
}

/// Eleven MiB and a bit: several parts, the last one short.
fn large() -> (Vec<u8>, ByteStream) {
    let whole: Vec<u8> = (0..11 * 1024 * 1024 + 77_u32).map(|at| (at / 7 % 251) as u8).collect();
    let pieces = whole.chunks(100_000).map(Bytes::copy_from_slice).collect();
    (whole, bytes(pieces))
}

async fn keeps_a_large_object(store: &dyn ObjectStore) {
    let (key, log) = (key(), Log::default());
    let (whole, pieces) = large();
    let size = whole.len() as u64;
    assert_eq!(store.write(&key, &label(), pieces, &log).await.unwrap(), size);
    let back = read(store, &key, 0..size).await;
    assert_eq!(sha256(&back), sha256(&whole));
    assert_eq!(read(store, &key, 5_242_870..5_242_890).await, whole[5_242_870..5_242_890]);
    let begun = log.0.lock().unwrap().len();
    assert_eq!(begun, usize::from(store.kind() != StoreKind::Disk));
    store.remove(&[key]).await.unwrap();
}

/// Bytes that stop leave nothing, whether they stop early or late.
async fn leaves_nothing_of_what_fails(store: &dyn ObjectStore) {
    let stop = || stream::iter([Err(StoreError::Source(Problem::invalid("stopped")))]);
    let early: ByteStream = Box::pin(once("01234").chain(stop()));
    let late: ByteStream = Box::pin(large().1.chain(stop()));
    for failing in [early, late] {
        let key = key();
        let failed = store.write(&key, &label(), failing, &Log::default()).await;
        assert!(matches!(failed, Err(StoreError::Source(_))), "{failed:?}");
        assert!(matches!(store.size(&key).await, Err(StoreError::Missing)));
    }
    assert!(store.list(None, 10).await.unwrap().is_empty());
}

/// A write that may not begin on the store's side ends; one that was begun can be abandoned by its id.
async fn abandons_what_was_begun(store: &dyn ObjectStore) {
    let key = key();
    let refused = store.write(&key, &label(), large().1, &Refusing).await;
    if store.kind() == StoreKind::Disk {
        refused.unwrap();
    } else {
        assert!(matches!(refused, Err(StoreError::Source(_))), "{refused:?}");
    }
    let log = Log::default();
    let hanging: ByteStream = Box::pin(large().1.chain(stream::pending()));
    let (second, label) = (self::key(), label());
    let begun =
        tokio::time::timeout(std::time::Duration::from_secs(3), store.write(&second, &label, hanging, &log));
    assert!(begun.await.is_err(), "the write waits for bytes");
    let id = log.0.lock().unwrap().first().cloned();
    for _ in 0..2 {
        store.abandon(&key, None).await.unwrap();
        store.abandon(&second, id.as_deref()).await.unwrap();
    }
    assert!(store.list(None, 10).await.unwrap().is_empty());
}

async fn lists_in_order(store: &dyn ObjectStore) {
    let mut keys: Vec<StoreKey> = (0..7).map(|_| key()).collect();
    for key in &keys {
        store.write(key, &label(), once("x"), &Log::default()).await.unwrap();
    }
    keys.sort();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(after.as_ref(), 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        assert!(page.iter().all(|held| held.size_bytes == 1));
        listed.extend(page.into_iter().map(|held| held.key));
    }
    assert_eq!(listed, keys);
    store.remove(&keys).await.unwrap();
    assert!(store.list(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_disk_is_a_store() {
    let directory = std::env::temp_dir().join(format!("quoin-disk-{}", token(&SystemRng::default())));
    let store = Disk::open(&directory).unwrap();
    is_a_store(&store).await;
    let staged = std::fs::read_dir(directory.join("staging")).unwrap().count();
    assert_eq!(staged, 0, "nothing is left of what was being written");
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn gcs_is_a_store() {
    let Some(store) = gcs() else { return };
    is_a_store(&store).await;
}

#[tokio::test]
async fn s3_is_a_store() {
    let Some(store) = s3() else { return };
    is_a_store(&store).await;
}

async fn is_a_store(store: &dyn ObjectStore) {
    keeps_what_it_is_given(store).await;
    keeps_an_empty_object(store).await;
    writes_a_key_once(store).await;
    keeps_a_large_object(store).await;
    leaves_nothing_of_what_fails(store).await;
    abandons_what_was_begun(store).await;
    lists_in_order(store).await;
}

/// Sends bytes to a signed URL and returns the status.
async fn send(signed: &crate::port::SignedUpload, changed: Option<(&str, &str)>, body: &'static str) -> u16 {
    let url: url::Url = signed.url.parse().unwrap();
    let mut stream =
        tokio::net::TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let mut head = format!(
        "{} {path} HTTP/1.1\r\nhost: {}:{}\r\nconnection: close\r\n",
        signed.method,
        url.host_str().unwrap(),
        url.port().unwrap()
    );
    for (name, value) in &signed.headers {
        let value = changed.filter(|(changed, _)| changed == name).map_or(value.as_str(), |(_, other)| other);
        for part in [name.as_str(), ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[9..12]).parse().unwrap()
}

#[tokio::test]
async fn a_url_that_s3_was_signed_for_takes_what_was_announced_and_nothing_else() {
    let Some(store) = s3() else { return };
    let announced = Announced {
        size_bytes: 5,
        content_type: "text/plain".into(),
        sha256: None,
        at: quoin_kernel::Clock::now(&quoin_kernel::clock::SystemClock),
        expires_in: std::time::Duration::from_mins(1),
    };
    let key = key();
    let signed = store.sign_upload(&key, &announced).await.unwrap().unwrap();
    assert_eq!(send(&signed, Some(("content-type", "text/html")), "hello").await, 403, "another type");
    assert_eq!(send(&signed, Some(("content-length", "6")), "hello!").await, 403, "another size");
    let mut elsewhere = signed.clone();
    elsewhere.url = signed.url.replace("X-Amz-Signature=", "X-Amz-Signature=0");
    assert!(matches!(send(&elsewhere, None, "hello").await, 400 | 403), "another signature");
    assert!(matches!(store.size(&key).await, Err(StoreError::Missing)));
    assert_eq!(send(&signed, None, "hello").await, 200);
    assert_eq!(read(&store, &key, 0..5).await, b"hello");
    store.remove(&[key]).await.unwrap();
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_unavailable_and_wrong_keys_are_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = S3Config {
        bucket: Some("files".into()),
        endpoint: Some(format!("http://{closed}")),
        access_key_id: Some(ACCESS_KEY.into()),
        secret_access_key: Some(Secret::new("wrong".into())),
        ..S3Config::default()
    };
    let down = Cloud::s3(&config).unwrap();
    let started = std::time::Instant::now();
    let refused = down.write(&key(), &label(), once("x"), &Log::default()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "waits are bounded");
    config.endpoint = variable("QUOIN_TEST_S3_URL");
    let Some(_) = &config.endpoint else { return };
    let wrong = Cloud::s3(&config).unwrap();
    let refused = wrong.write(&key(), &label(), once("x"), &Log::default()).await;
    assert!(matches!(refused, Err(StoreError::Denied(_))), "{refused:?}");
}

/// Stores for a room: the disk takes what is new, S3 is there as well.
pub(super) fn with_s3(disk: Arc<Disk>) -> Option<crate::Stores> {
    Some(crate::Stores::new(disk).and(Arc::new(s3()?)))
}
