use bytes::Bytes;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use quoin_files::images::{Format, ImageEngine, ImageError, Resize, Transformation};

use crate::geometry::plan;
use crate::picture::render;
use crate::{Engine, Limits};

const PIXELS: u64 = 1_000_000;

fn wish(width: Option<u32>, height: Option<u32>, resize: Resize) -> Transformation {
    Transformation { width, height, resize, quality: 80, format: Format::Origin }
}

/// A picture whose left half is red and whose right half is blue.
fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture =
        RgbImage::from_fn(
            width,
            height,
            |x, _| if x < width / 2 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) },
        );
    let mut out = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut out, format).expect("a picture");
    out.into_inner()
}

fn size_of(source: (u32, u32), wish: Transformation) -> (u32, u32) {
    let plan = plan(source, &wish);
    (plan.to_width, plan.to_height)
}

#[test]
fn sizes_follow_from_the_mode() {
    assert_eq!(size_of((400, 200), wish(Some(100), Some(100), Resize::Cover)), (100, 100));
    assert_eq!(size_of((400, 200), wish(Some(100), Some(100), Resize::Contain)), (100, 50));
    assert_eq!(size_of((400, 200), wish(Some(100), Some(100), Resize::Fill)), (100, 100));
    assert_eq!(size_of((400, 200), wish(Some(100), None, Resize::Cover)), (100, 50));
    assert_eq!(size_of((400, 200), wish(None, Some(100), Resize::Fill)), (200, 100));
    assert_eq!(size_of((400, 200), wish(None, None, Resize::Cover)), (400, 200));
    // Nothing is made larger.
    assert_eq!(size_of((40, 20), wish(Some(100), Some(100), Resize::Cover)), (20, 20));
    assert_eq!(size_of((40, 20), wish(Some(100), None, Resize::Contain)), (40, 20));
    assert_eq!(size_of((40, 20), wish(Some(100), Some(10), Resize::Fill)), (40, 10));
    assert_eq!(size_of((1, 2500), wish(Some(1), Some(1), Resize::Contain)), (1, 1));
}

#[test]
fn cover_takes_the_middle() {
    let rendered =
        render(&picture(400, 100, ImageFormat::Png), wish(Some(50), Some(50), Resize::Cover), PIXELS);
    let picture =
        image::load_from_memory(&rendered.expect("a picture").bytes).expect("a picture").into_rgb8();
    assert_eq!(picture.dimensions(), (50, 50));
    assert!(picture.get_pixel(2, 25)[0] > 200 && picture.get_pixel(47, 25)[2] > 200);
}

#[test]
fn formats_are_kept_or_changed_as_wished() {
    for (source, kept) in [
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Png, "image/png"),
        (ImageFormat::WebP, "image/webp"),
        (ImageFormat::Gif, "image/png"),
    ] {
        let bytes = picture(60, 40, source);
        let kept_one = render(&bytes, wish(Some(30), None, Resize::Cover), PIXELS).expect("a picture");
        assert_eq!(kept_one.content_type, kept);
        assert_eq!(image::load_from_memory(&kept_one.bytes).expect("a picture").width(), 30);
        for (format, content_type) in
            [(Format::Jpeg, "image/jpeg"), (Format::Png, "image/png"), (Format::WebP, "image/webp")]
        {
            let other = render(&bytes, Transformation { format, ..wish(None, None, Resize::Fill) }, PIXELS);
            let other = other.expect("a picture");
            assert_eq!(other.content_type, content_type);
            assert_eq!(image::guess_format(&other.bytes).expect("a picture").to_mime_type(), content_type);
        }
    }
}

#[test]
fn quality_makes_jpegs_smaller() {
    let bytes = picture(300, 300, ImageFormat::Png);
    let at = |quality| {
        let wish = Transformation { quality, format: Format::Jpeg, ..wish(None, None, Resize::Fill) };
        render(&bytes, wish, PIXELS).expect("a picture").bytes.len()
    };
    assert!(at(20) < at(100));
}

#[test]
fn what_is_no_picture_is_refused() {
    let png = picture(10, 10, ImageFormat::Png);
    for bytes in [
        &b""[..],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"BM000000000000000000",
        &png[..40],
        b"\x89PNG\r\n\x1a\n",
    ] {
        let refused = render(bytes, wish(Some(5), None, Resize::Cover), PIXELS);
        assert!(matches!(refused, Err(ImageError::NotAPicture)), "{bytes:?}: {refused:?}");
    }
}

#[test]
fn a_pixel_bomb_is_refused_by_its_header() {
    // A PNG whose header promises 50 000 times 50 000 pixels.
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bomb.extend(50_000_u32.to_be_bytes());
    bomb.extend(50_000_u32.to_be_bytes());
    bomb.extend([8, 6, 0, 0, 0]);
    bomb.extend(crc32(&bomb[12..]).to_be_bytes());
    bomb.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    let refused = render(&bomb, wish(Some(5), None, Resize::Cover), PIXELS);
    assert!(matches!(refused, Err(ImageError::TooManyPixels { max_pixels: PIXELS })), "{refused:?}");
    let real = render(&picture(1001, 1000, ImageFormat::Gif), wish(Some(5), None, Resize::Cover), PIXELS);
    assert!(matches!(real, Err(ImageError::TooManyPixels { .. })));
}

/// The checksum of PNG's chunks (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[tokio::test]
async fn threads_render_and_a_full_queue_says_so() {
    let engine = Engine::start(Limits { max_pixels: PIXELS, threads: 1, queue: 1 }).expect("threads");
    let source = Bytes::from(picture(900, 900, ImageFormat::Png));
    let render = || engine.render(source.clone(), wish(Some(10), None, Resize::Cover));
    assert_eq!(render().await.expect("a picture").content_type, "image/png");
    let many: Vec<_> = (0..20).map(|_| render()).collect();
    let mut busy = 0;
    let mut handles = many.into_iter().map(Box::pin).collect::<Vec<_>>();
    // All are asked before any is awaited to its end.
    std::future::poll_fn(|cx| {
        handles.retain_mut(|handle| match handle.as_mut().poll(cx) {
            std::task::Poll::Ready(Err(ImageError::Busy)) => {
                busy += 1;
                false
            }
            std::task::Poll::Ready(_) => false,
            std::task::Poll::Pending => true,
        });
        if handles.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert!(busy >= 15, "{busy} of 20 were refused");
}
