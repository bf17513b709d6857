//! Pictures in other sizes and formats: the engine behind the port [`quoin_files::images::ImageEngine`].
//!
//! Everything about pictures that a caller sends is checked on the header, before a pixel is decoded: the format, the
//! number of pixels, the memory they need. The work is done by a few threads of low priority with a short queue, so that
//! pictures never slow other requests much; when the queue is full, the answer is 503.
//!
//! Reading order: [`engine`], [`geometry`] (how sizes follow from a wish), [`picture`] (decode, resize, encode).

pub mod engine;
pub mod geometry;
pub mod picture;

pub use engine::{Engine, Limits};

#[cfg(test)]
mod tests;
