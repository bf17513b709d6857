use std::sync::Arc;

use futures_util::TryStreamExt as _;
use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;
use serde_json::json;

use super::{Expect as _, KEY, story_among};
use crate::Guests;
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
