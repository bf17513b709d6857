//! One picture: decoded within limits, resized, encoded.

use std::io::Cursor;

use bytes::Bytes;
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, IntoImageView, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader};
use quoin_files::images::{Format, ImageError, Rendered, Transformation};

use crate::geometry::{Plan, plan};

/// The memory that a decoder may take for each pixel, its own tables included.
const BYTES_PER_PIXEL: u64 = 12;

/// Renders a picture.
///
/// # Errors
/// [`ImageError::NotAPicture`] for what is none of the formats that are read, [`ImageError::TooManyPixels`] before
/// anything is decoded.
pub fn render(source: &[u8], wish: Transformation, max_pixels: u64) -> Result<Rendered, ImageError> {
    let (picture, format) = decode(source, max_pixels)?;
    let plan = plan((picture.width(), picture.height()), &wish);
    let resized = resize(picture, plan)?;
    encode(&resized, target(format, wish.format), wish.quality)
}

/// Decodes what is one of the formats that are read, its orientation applied and all other metadata left behind.
fn decode(source: &[u8], max_pixels: u64) -> Result<(DynamicImage, ImageFormat), ImageError> {
    let format = image::guess_format(source).map_err(|_| ImageError::NotAPicture)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif) {
        return Err(ImageError::NotAPicture);
    }
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(max_pixels * BYTES_PER_PIXEL);
    let mut reader = ImageReader::with_format(Cursor::new(source), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| unreadable(&error, max_pixels))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(ImageError::TooManyPixels { max_pixels });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(&error, max_pixels))?;
    picture.apply_orientation(orientation);
    Ok((eight_bits(picture), format))
}

fn unreadable(error: &image::ImageError, max_pixels: u64) -> ImageError {
    match error {
        image::ImageError::Limits(_) => ImageError::TooManyPixels { max_pixels },
        _ => ImageError::NotAPicture,
    }
}

/// Brings a picture to eight bits a channel, with alpha only where it has some.
fn eight_bits(picture: DynamicImage) -> DynamicImage {
    match picture {
        picture @ (DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_)) => picture,
        picture if picture.color().has_alpha() => DynamicImage::ImageRgba8(picture.into_rgba8()),
        picture => DynamicImage::ImageRgb8(picture.into_rgb8()),
    }
}

fn resize(picture: DynamicImage, plan: Plan) -> Result<DynamicImage, ImageError> {
    let is_whole = plan.left == 0.0 && plan.top == 0.0;
    if is_whole && (plan.to_width, plan.to_height) == (picture.width(), picture.height()) {
        return Ok(picture);
    }
    let failed = |error: String| ImageError::Failed(error.into());
    let pixel_type = picture.pixel_type().ok_or(ImageError::NotAPicture)?;
    let mut target = Image::new(plan.to_width, plan.to_height, pixel_type);
    let options = ResizeOptions::new()
        .crop(plan.left, plan.top, plan.width, plan.height)
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&picture, &mut target, &options).map_err(|error| failed(error.to_string()))?;
    let (width, height, pixels) = (plan.to_width, plan.to_height, target.into_vec());
    let resized = if picture.color().has_alpha() {
        image::RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8)
    } else {
        image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    resized.ok_or_else(|| failed("the resized picture has another size than planned".to_owned()))
}

/// Chooses the format of the answer. A GIF becomes a PNG of its first frame, which keeps every colour.
fn target(source: ImageFormat, wish: Format) -> ImageFormat {
    match (wish, source) {
        (Format::Jpeg, _) | (Format::Origin, ImageFormat::Jpeg) => ImageFormat::Jpeg,
        (Format::WebP, _) | (Format::Origin, ImageFormat::WebP) => ImageFormat::WebP,
        (Format::Png | Format::Origin, _) => ImageFormat::Png,
    }
}

fn encode(picture: &DynamicImage, format: ImageFormat, quality: u8) -> Result<Rendered, ImageError> {
    let mut out = Vec::with_capacity(64 * 1024);
    let written = match format {
        ImageFormat::Jpeg => {
            picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut out, quality))
        }
        // The encoder in Rust is lossless: quality says nothing to it.
        ImageFormat::WebP => written(picture, WebPEncoder::new_lossless(&mut out)),
        _ => written(picture, PngEncoder::new(&mut out)),
    };
    written.map_err(|error| ImageError::Failed(Box::new(error)))?;
    Ok(Rendered { content_type: format.to_mime_type(), bytes: Bytes::from(out) })
}

fn written(picture: &DynamicImage, encoder: impl ImageEncoder) -> image::ImageResult<()> {
    encoder.write_image(picture.as_bytes(), picture.width(), picture.height(), picture.color().into())
}
