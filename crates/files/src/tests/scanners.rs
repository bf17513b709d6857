use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;
use quoin_web::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::conformance::variable;
use super::{Expect as _, House, KEY, story_among};
use crate::Guests;
use crate::adapters::Clamd;
use crate::port::ByteStream;
use crate::scan::{Opinion, Scanner, Suspect};

/// Refuses what holds `EICAR`, and fails where it meets `broken`.
struct Nose;

impl Scanner for Nose {
    fn scan<'a>(
        &'a self,
        suspect: &'a Suspect,
        bytes: ByteStream,
    ) -> BoxFuture<'a, Result<Opinion, Problem>> {
        Box::pin(async move {
            let bytes: Vec<_> = bytes.try_collect().await.map_err(Problem::from)?;
            let text = String::from_utf8_lossy(&bytes.concat()).into_owned();
            assert_eq!(text.len() as u64, suspect.size_bytes);
            match text {
                text if text.contains("broken") => Err(Problem::internal("the scanner has no signatures")),
                text if text.contains("EICAR") => Ok(Opinion::Refused("a test virus".to_owned())),
                _ => Ok(Opinion::Clean),
            }
        })
    }
}

#[tokio::test]
async fn a_scanner_refuses_and_its_failure_refuses_too() {
    let guests = Guests { scanners: vec![Arc::new(Nose)], ..Guests::default() };
    story_among(guests, async |house| {
        house.make_bucket("docs", json!({})).await;
        house.upload("docs/clean", KEY, "nothing").await.expect(200);
        house.upload("docs/empty", KEY, "").await.expect(200);
        let refused = house.upload("docs/virus", KEY, "EICAR").await.expect(422).json();
        assert_eq!(refused["code"], "content_refused");
        house.upload("docs/unknown", KEY, "broken").await.expect(503);
        for name in ["virus", "unknown"] {
            house.get(&format!("/object/docs/{name}"), KEY).await.expect(404);
        }
        assert_eq!(house.held_after_sweep().await, 2, "no bytes are left of what was refused");
    })
    .await;
}

/// What every scanner must find, and what everybody may keep on a disk.
const EICAR: &str = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/// Speaks clamd's protocol as version 1.4 does: a name for what holds EICAR, an error for more than a MiB.
async fn recorded(mut stream: TcpStream) -> std::io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut seen = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        if seen.len() + length > 1 << 20 {
            return stream.write_all(b"INSTREAM size limit exceeded. ERROR\0").await;
        }
        let start = seen.len();
        seen.resize(start + length, 0);
        stream.read_exact(&mut seen[start..]).await?;
    }
    let text = String::from_utf8_lossy(&seen);
    let answer: &[u8] = match () {
        () if text.contains("EICAR-STANDARD") => b"stream: Win.Test.EICAR_HDB-1 FOUND\0",
        () if text.contains("odd") => b"stream: Can't allocate memory ERROR\0",
        () if text.contains("rude") => b"",
        () => b"stream: OK\0",
    };
    stream.write_all(answer).await
}

#[expect(clippy::disallowed_methods, reason = "the daemon ends with the test's runtime")]
async fn recorded_daemon() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { recorded(stream).await.ok() });
        }
    });
    address
}

fn guests(address: &str) -> Guests {
    let scanner = Clamd::at(address).expect("an address");
    Guests { scanners: vec![Arc::new(scanner)], ..Guests::default() }
}

/// Stores what is clean, and nothing else, by every way in.
async fn lets_in_what_is_clean(house: &House) {
    house.make_bucket("docs", json!({})).await;
    house.upload("docs/clean", KEY, "nothing").await.expect(200);
    house.upload("docs/empty", KEY, "").await.expect(200);
    let refused = house.upload("docs/virus", KEY, EICAR).await.expect(422).json();
    assert_eq!(refused["code"], "content_refused");
    assert!(refused["detail"].as_str().unwrap().contains("ClamAV found "), "{refused}");
    house.send(Method::PUT, "/object/docs/clean", Some(KEY), &[], EICAR).await.expect(422);
    assert_eq!(house.get("/object/docs/clean", KEY).await.expect(200).body, "nothing");

    let wish = json!({"bucket": "docs", "path": "direct", "size": EICAR.len(), "content_type": "text/plain"});
    let ready = house.post("/uploads", KEY, wish).await.expect(201).json();
    let url = ready["url"].as_str().unwrap().split_once("/storage/v1").unwrap().1;
    let length = EICAR.len().to_string();
    let headers = [("content-type", "text/plain"), ("content-length", length.as_str())];
    house.send(Method::PUT, url, None, &headers, EICAR).await.expect(200);
    let complete = format!("/uploads/{}/complete", ready["upload_id"].as_str().unwrap());
    house.post(&complete, KEY, json!({})).await.expect(422);

    let metadata = "bucketName ZG9jcw==,objectName cmVzdW1lZA==";
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-length", length.as_str()),
        ("upload-metadata", metadata),
    ];
    house.send(Method::POST, "/upload/resumable", Some(KEY), &headers, EICAR).await.expect(422);
    for name in ["virus", "direct", "resumed"] {
        house.get(&format!("/object/docs/{name}"), KEY).await.expect(404);
    }
    house.clock.advance(Duration::from_hours(30));
    assert_eq!(house.held_after_sweep().await, 2, "no bytes are left of what was refused");
}

#[tokio::test]
async fn clamd_sees_everything_before_anybody_reads_it() {
    let address = recorded_daemon().await;
    story_among(guests(&address), async |house| {
        lets_in_what_is_clean(&house).await;
        for text in ["odd", "rude"] {
            assert_eq!(
                house.upload("docs/unknown", KEY, text).await.expect(503).code(),
                "scanner_unavailable"
            );
        }
        let large = vec![b'x'; 3 << 20];
        let refused = house.send(Method::POST, "/object/docs/large", Some(KEY), &[], large).await.expect(422);
        assert!(refused.json()["detail"].as_str().unwrap().contains("StreamMaxLength"));
        assert_eq!(house.held_after_sweep().await, 2);
    })
    .await;
}

#[tokio::test]
async fn without_its_clamd_nothing_is_stored_and_everything_is_read() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    story_among(guests(&format!("tcp://{closed}")), async |house| {
        house.make_bucket("docs", json!({})).await;
        assert_eq!(house.upload("docs/x", KEY, "x").await.expect(503).code(), "scanner_unavailable");
        house.get("/object/docs/x", KEY).await.expect(404);
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

/// Only where `QUOIN_TEST_CLAMD` names a daemon; `cargo xtask test` starts one.
#[tokio::test]
async fn a_real_clamd_finds_eicar() {
    let Some(address) = variable("QUOIN_TEST_CLAMD") else { return };
    story_among(guests(&address), async |house| lets_in_what_is_clean(&house).await).await;
}

#[test]
fn an_address_of_clamd_is_read_or_refused() {
    for good in ["tcp://127.0.0.1:3310", "tcp://[::1]:3310", "tcp://clamav:3310", "unix:///run/clamd.ctl"] {
        assert_eq!(Clamd::at(good).unwrap().to_string(), good);
    }
    for bad in ["", "127.0.0.1:3310", "tcp://:3310", "tcp://x", "tcp://x:port", "unix://run/x", "http://x:1"]
    {
        assert!(Clamd::at(bad).is_err(), "{bad}");
    }
}
