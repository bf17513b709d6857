use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use quoin_db::testing::on_each_engine;
use quoin_kernel::port::BoxFuture;
use quoin_web::Method;
use serde_json::json;

use super::{Expect as _, House, KEY, MODULES, somebody, story, story_among};
use crate::images::{ImageEngine, ImageError, Rendered, Transformation};
use crate::service::render::{Images, forget_gone};
use crate::{FilesConfig, Guests};

/// Writes down what it is asked for instead of rendering, and counts.
#[derive(Default)]
struct Sketch(AtomicUsize);

impl ImageEngine for Sketch {
    fn render(&self, source: Bytes, wish: Transformation) -> BoxFuture<'_, Result<Rendered, ImageError>> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::SeqCst);
            if source.starts_with(b"bomb") {
                return Err(ImageError::TooManyPixels { max_pixels: 1 });
            }
            let text = format!("{} of {}", wish.key(), String::from_utf8_lossy(&source));
            Ok(Rendered { content_type: "image/png", bytes: text.into() })
        })
    }
}

fn guests() -> (Guests, Arc<Sketch>) {
    let sketch = Arc::new(Sketch::default());
    (Guests { images: Some(Images::new(sketch.clone())), ..Guests::default() }, sketch)
}

async fn text(house: &House, path: &str, who: Option<&str>) -> String {
    let answer = house.call(Method::GET, path, who, None).await.expect(200);
    assert_eq!(answer.header("content-type"), "image/png");
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test]
async fn a_picture_is_rendered_once_until_it_changes() {
    let (guests, sketch) = guests();
    story_among(guests, async |house| {
        sketch.0.store(0, Ordering::SeqCst);
        house.make_bucket("art", json!({})).await;
        house.upload("art/a.png", KEY, "one").await.expect(200);
        let path =
            "/render/image/authenticated/art/a.png?width=100&height=50&resize=contain&quality=70&format=webp";
        for _ in 0..3 {
            assert_eq!(text(&house, path, Some(KEY)).await, "100x50 contain 70 webp of one");
        }
        assert_eq!(sketch.0.load(Ordering::SeqCst), 1);
        assert_eq!(house.held_after_sweep().await, 2, "the picture and its rendition");
        let headers = [("content-type", "text/plain")];
        house.send(Method::PUT, "/object/art/a.png", Some(KEY), &headers, "two").await.expect(200);
        assert_eq!(text(&house, path, Some(KEY)).await, "100x50 contain 70 webp of two");
        assert_eq!(
            house.held_after_sweep().await,
            2,
            "what was rendered of the old version has gone with it"
        );
        house.call(Method::DELETE, "/object/art/a.png", Some(KEY), None).await.expect(200);
        house.call(Method::GET, path, Some(KEY), None).await.expect(404);
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

#[tokio::test]
async fn renditions_go_after_a_week() {
    let (guests, sketch) = guests();
    story_among(guests, async |house| {
        sketch.0.store(0, Ordering::SeqCst);
        house.make_bucket("art", json!({})).await;
        house.upload("art/a.png", KEY, "one").await.expect(200);
        text(&house, "/render/image/authenticated/art/a.png?width=9", Some(KEY)).await;
        house.clock.advance(Duration::from_hours(7 * 24));
        assert_eq!(house.held_after_sweep().await, 1);
        assert_eq!(forget_gone(&house.files).await.unwrap(), 1);
        text(&house, "/render/image/authenticated/art/a.png?width=9", Some(KEY)).await;
        assert_eq!(sketch.0.load(Ordering::SeqCst), 2);
    })
    .await;
}

#[tokio::test]
async fn asking_for_every_size_does_not_fill_the_store() {
    story_among(guests().0, async |house| {
        house.make_bucket("art", json!({})).await;
        house.upload("art/a.png", KEY, "one").await.expect(200);
        for width in 1..=80 {
            text(&house, &format!("/render/image/authenticated/art/a.png?width={width}"), Some(KEY)).await;
        }
        assert_eq!(house.held_after_sweep().await, 65);
    })
    .await;
}

#[tokio::test]
async fn a_signed_picture_shows_what_was_signed_and_nothing_else() {
    story_among(guests().0, async |house| {
        house.make_bucket("art", json!({})).await;
        house.upload("art/a.png", KEY, "one").await.expect(200);
        let body = json!({"expiresIn": 60, "transform": {"width": 40, "height": 30}});
        let signed = house.post("/object/sign/art/a.png", KEY, body).await.expect(200).json();
        let path = signed["signedURL"].as_str().unwrap().to_owned();
        assert!(path.starts_with("/render/image/sign/art/a.png?token="), "{path}");
        assert_eq!(text(&house, &path, None).await, "40x30 cover 80 origin of one");
        assert_eq!(text(&house, &format!("{path}&width=2000"), None).await, "40x30 cover 80 origin of one");
        // The token opens the picture, not the object, and the object's token not the picture.
        let token = path.split_once("token=").unwrap().1;
        house
            .call(Method::GET, &format!("/object/sign/art/a.png?token={token}"), None, None)
            .await
            .expect(400);
        let whole = house.post("/object/sign/art/a.png", KEY, json!({"expiresIn": 60})).await.json();
        let token = whole["signedURL"].as_str().unwrap().split_once("token=").unwrap().1.to_owned();
        house
            .call(Method::GET, &format!("/render/image/sign/art/a.png?token={token}"), None, None)
            .await
            .expect(400);
        house.clock.advance(Duration::from_mins(1));
        house.call(Method::GET, &path, None, None).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn bad_wishes_and_bad_pictures_are_refused() {
    story_among(guests().0, async |house| {
        house.make_bucket("art", json!({})).await;
        house.upload("art/a.png", KEY, "one").await.expect(200);
        house.upload("art/bomb.png", KEY, "bomb").await.expect(200);
        let path = |query: &str| format!("/render/image/authenticated/art/a.png?{query}");
        for query in [
            "width=0",
            "width=2501",
            "height=-1",
            "resize=squash",
            "quality=19",
            "quality=101",
            "format=avif",
        ] {
            house.get(&path(query), KEY).await.expect(400);
        }
        let refused =
            house.get("/render/image/authenticated/art/bomb.png?width=1", KEY).await.expect(422).json();
        assert_eq!(refused["code"], "too_many_pixels");
        house.get("/render/image/authenticated/art/missing.png?width=1", KEY).await.expect(404);
        house.call(Method::GET, "/render/image/public/art/a.png?width=1", None, None).await.expect(404);
        house.call(Method::GET, &path("width=1"), None, None).await.expect(401);
        let etag = house.get(&path("width=1"), KEY).await.header("etag").to_owned();
        let again =
            house.send(Method::GET, &path("width=1"), Some(KEY), &[("if-none-match", &etag)], "").await;
        assert_eq!(again.status.as_u16(), 304);
    })
    .await;
}

#[tokio::test]
async fn a_process_without_an_engine_says_so() {
    story(async |house| {
        house.make_bucket("art", json!({})).await;
        house.upload("art/a.png", KEY, "one").await.expect(200);
        house.get("/render/image/authenticated/art/a.png?width=1", KEY).await.expect(503);
    })
    .await;
}

#[tokio::test]
async fn rendered_pictures_of_one_owner_take_so_much_and_no_more() {
    let (guests, sketch) = guests();
    // Each is 24 bytes and some digits.
    let config = FilesConfig { image_kept_bytes: 100, ..FilesConfig::default() };
    on_each_engine(MODULES, |db| {
        let house = House::with(db, config.clone(), guests.clone());
        let sketch = sketch.clone();
        async move {
            house.make_bucket("art", json!({})).await;
            for name in 0..5 {
                house.upload(&format!("art/{name}"), KEY, "one").await.expect(200);
                text(&house, &format!("/render/image/authenticated/art/{name}?width=7"), Some(KEY)).await;
            }
            let kept = house.held_after_sweep().await - 5;
            assert!((1..5).contains(&kept), "{kept} are kept");
            let before = sketch.0.load(Ordering::SeqCst);
            text(&house, "/render/image/authenticated/art/4?width=7", Some(KEY)).await;
            assert_eq!(sketch.0.load(Ordering::SeqCst), before + 1, "what is not kept is rendered anew");
            let other = somebody();
            house.upload("art/x", &other, "one").await.expect(200);
            text(&house, "/render/image/authenticated/art/x?width=7", Some(&other)).await;
            assert_eq!(house.held_after_sweep().await, 7 + kept, "another owner has room of their own");
        }
    })
    .await;
}
