//! A store that fails in every way a store can: errors are clear, nothing is left, and what needs no store goes on.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quoin_db::testing::on_each_engine;
use quoin_kernel::port::BoxFuture;
use quoin_web::Method;
use serde_json::json;

use super::{Expect as _, House, KEY, MODULES};
use crate::adapters::Disk;
use crate::model::{StoreKey, StoreKind};
use crate::port::{Announced, ByteStream, Held, Label, ObjectStore, SignedUpload, StoreError, UploadLog};
use crate::{FilesConfig, Guests};

const SOUND: u8 = 0;
const FULL: u8 = 1;
const DOWN: u8 = 2;
const CUT: u8 = 3;
const FORGETFUL: u8 = 4;

/// A disk that fails as it is told.
struct Faulty {
    disk: Arc<Disk>,
    mode: Arc<AtomicU8>,
}

fn down() -> StoreError {
    StoreError::Unavailable("503 Slow Down".into())
}

impl ObjectStore for Faulty {
    fn kind(&self) -> StoreKind {
        self.disk.kind()
    }

    fn address(&self) -> &'static str {
        "faulty"
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        label: &'a Label,
        bytes: ByteStream,
        log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        let fault = match self.mode.load(Ordering::SeqCst) {
            FULL => Some(StoreError::Full),
            DOWN | CUT => Some(down()),
            _ => None,
        };
        let bytes: ByteStream = match fault {
            // What fails does so after the first bytes have been taken.
            Some(fault) => Box::pin(bytes.take(1).chain(stream::iter([Err::<Bytes, _>(fault)]))),
            None => bytes,
        };
        self.disk.write(key, label, bytes, log)
    }

    fn read<'a>(
        &'a self,
        key: &'a StoreKey,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StoreError>> {
        Box::pin(async move {
            match self.mode.load(Ordering::SeqCst) {
                DOWN => Err(down()),
                FORGETFUL => Err(StoreError::Missing),
                CUT => {
                    let bytes =
                        self.disk.read(key, range).await?.map_ok(|piece| piece.slice(..piece.len() / 2));
                    let short = StoreError::Short { got: 1, expected: 2 };
                    let cut: ByteStream = Box::pin(bytes.chain(stream::iter([Err(short)])));
                    Ok(cut)
                }
                _ => self.disk.read(key, range).await,
            }
        })
    }

    fn size<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.disk.size(key)
    }

    fn remove<'a>(&'a self, keys: &'a [StoreKey]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.disk.remove(keys)
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        upload_id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.disk.abandon(key, upload_id)
    }

    fn copy<'a>(
        &'a self,
        from: &'a StoreKey,
        to: &'a StoreKey,
        size_bytes: u64,
        label: &'a Label,
        log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.disk.copy(from, to, size_bytes, label, log)
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a StoreKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Held>, StoreError>> {
        self.disk.list(after, limit)
    }

    fn sign_upload<'a>(
        &'a self,
        key: &'a StoreKey,
        announced: &'a Announced,
    ) -> BoxFuture<'a, Result<Option<SignedUpload>, StoreError>> {
        self.disk.sign_upload(key, announced)
    }
}

#[tokio::test]
async fn a_store_that_fails_leaves_nothing_and_stops_nothing_else() {
    on_each_engine(MODULES, async |db| {
        let mode = Arc::new(AtomicU8::new(SOUND));
        let told = mode.clone();
        let wrap = |disk| -> Arc<dyn ObjectStore> { Arc::new(Faulty { disk, mode: told }) };
        let house = House::behind(db, FilesConfig::default(), Guests::default(), wrap);
        house.make_bucket("docs", json!({})).await;
        house.upload("docs/kept", KEY, "kept").await.expect(200);
        let used = house.get("/usage", KEY).await.expect(200).json();
        for (fault, status, code) in [
            (FULL, 507, "storage_full"),
            (DOWN, 503, "storage_unavailable"),
            (CUT, 503, "storage_unavailable"),
        ] {
            mode.store(fault, Ordering::SeqCst);
            let refused = house.upload("docs/new", KEY, "new").await.expect(status).json();
            assert_eq!(refused["code"], code);
            let put = house.send(Method::PUT, "/object/docs/kept", Some(KEY), &[], "over it").await;
            assert_eq!(put.status.as_u16(), status);
            // What needs no bytes goes on.
            house.get("/object/info/docs/new", KEY).await.expect(404);
            house.get("/object/info/docs/kept", KEY).await.expect(200);
            house.post("/object/list/docs", KEY, json!({"prefix": ""})).await.expect(200);
            assert_eq!(house.get("/usage", KEY).await.expect(200).json(), used, "nothing is counted");
            mode.store(SOUND, Ordering::SeqCst);
            assert_eq!(&house.get("/object/docs/kept", KEY).await.expect(200).body[..], b"kept");
            assert_eq!(house.held_after_sweep().await, 1, "no bytes are left");
        }
        mode.store(DOWN, Ordering::SeqCst);
        house.get("/object/docs/kept", KEY).await.expect(503);
        mode.store(FORGETFUL, Ordering::SeqCst);
        house.get("/object/docs/kept", KEY).await.expect(500);
        mode.store(SOUND, Ordering::SeqCst);
        house.upload("docs/new", KEY, "new").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_resumable_upload_outlives_a_store_that_fails_for_a_while() {
    on_each_engine(MODULES, async |db| {
        let mode = Arc::new(AtomicU8::new(SOUND));
        let told = mode.clone();
        let wrap = |disk| -> Arc<dyn ObjectStore> { Arc::new(Faulty { disk, mode: told }) };
        let house = House::behind(db, FilesConfig::default(), Guests::default(), wrap);
        house.make_bucket("docs", json!({})).await;
        let version = ("tus-resumable", "1.0.0");
        // `docs` and `x`.
        let announced =
            [version, ("upload-length", "6"), ("upload-metadata", "bucketName ZG9jcw==,objectName eA==")];
        let created =
            house.send(Method::POST, "/upload/resumable", Some(KEY), &announced, "").await.expect(201);
        let path = created.header("location").split_once("/storage/v1").unwrap().1.to_owned();
        let append = async |offset: &str, body: &'static str| {
            let headers =
                [version, ("content-type", "application/offset+octet-stream"), ("upload-offset", offset)];
            house.send(Method::PATCH, &path, Some(KEY), &headers, body).await.status.as_u16()
        };
        assert_eq!(append("0", "abc").await, 204);
        mode.store(DOWN, Ordering::SeqCst);
        assert_eq!(append("3", "def").await, 503);
        mode.store(SOUND, Ordering::SeqCst);
        let offset = house.send(Method::HEAD, &path, Some(KEY), &[version], "").await.expect(200);
        assert_eq!(offset.header("upload-offset"), "3");
        assert_eq!(append("3", "def").await, 204);
        assert_eq!(&house.get("/object/docs/x", KEY).await.expect(200).body[..], b"abcdef");
        assert_eq!(house.held_after_sweep().await, 1);
    })
    .await;
}
