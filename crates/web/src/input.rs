//! What comes in, checked once at the door: JSON, forms, raw bodies, query strings and paths.
//!
//! Everything that is refused here is refused with 4xx and, where it is known, the field's path.

mod body;
mod json;
#[cfg(test)]
mod tests;
mod text;
mod url_parts;

pub use body::{BodyError, ValidBytes, problem_of_body};
pub use json::{ValidBody, ValidJson};
pub use url_parts::{ValidPath, ValidQuery};

pub(crate) use body::{GuardedBody, read_body};
pub(crate) use text::check_url_text;
