//! Pictures in other sizes: the port behind which the engine stands, and what may be wished of it.

use bytes::Bytes;
use quoin_kernel::port::BoxFuture;
use serde::{Deserialize, Serialize};

/// How a picture fills the size that is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resize {
    /// It covers all of it; what stands out is cut off.
    #[default]
    Cover,
    /// All of it lies within.
    Contain,
    /// It is stretched.
    Fill,
}

/// In which format a picture is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The format it is kept in; PNG for a GIF, of which the first frame is shown.
    #[default]
    Origin,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP without loss.
    WebP,
}

/// What is wished of a picture. It is never made larger than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transformation {
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// How it fills them.
    pub resize: Resize,
    /// The quality of a JPEG, 20 to 100.
    pub quality: u8,
    /// The format.
    pub format: Format,
}

/// A picture as it was wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Why a picture is not rendered.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It is no JPEG, PNG, GIF or WebP, or a broken one.
    #[error("the object is no picture that can be rendered")]
    NotAPicture,
    /// It has more pixels than are decoded.
    #[error("the picture has more than {max_pixels} pixels")]
    TooManyPixels {
        /// The limit.
        max_pixels: u64,
    },
    /// Too many pictures wait.
    #[error("too many pictures wait to be rendered")]
    Busy,
    /// The engine failed.
    #[error("the image engine failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Renders pictures, off the threads that serve requests.
pub trait ImageEngine: Send + Sync {
    /// Renders a picture.
    ///
    /// # Errors
    /// [`ImageError::TooManyPixels`] by the header alone, before anything is decoded; [`ImageError::Busy`] at once rather
    /// than after a wait.
    fn render(&self, source: Bytes, wish: Transformation) -> BoxFuture<'_, Result<Rendered, ImageError>>;
}

impl Transformation {
    /// Returns a text that is the same for the same wish, by which results are kept.
    pub fn key(&self) -> String {
        let side = |side: Option<u32>| side.map_or_else(|| "-".to_owned(), |side| side.to_string());
        let Self { resize, quality, format, .. } = self;
        format!("{}x{} {resize:?} {quality} {format:?}", side(self.width), side(self.height)).to_lowercase()
    }
}
