//! Uploads as `multipart/form-data`: a few short fields, then the file, which is passed on as it comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, stream};
use multer::{Field, Multipart};
use serde_json::json;

use super::upload::{Incoming, content_type_or_default, metadata};
use crate::error::FilesError;
use crate::model::Description;
use crate::port::{ByteStream, StoreError};

/// The longest field besides the file.
const MAX_FIELD_BYTES: usize = 64 * 1024;
/// The most fields before the file.
const MAX_FIELDS: usize = 20;

/// Returns the boundary of a form, where it is one.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    multer::parse_boundary(content_type).ok()
}

/// Reads the fields up to the file and opens that.
pub(super) async fn read(boundary: String, bytes: ByteStream) -> Result<Incoming, FilesError> {
    let mut form = Multipart::new(OneAtATime { bytes, pause: false }, boundary);
    let mut description = Description {
        content_type: String::new(),
        content_encoding: None,
        cache_control: "no-cache".into(),
        user_metadata: json!({}),
    };
    for _ in 0..MAX_FIELDS {
        let Some(mut field) = form.next_field().await.map_err(|error| refused(&error))? else {
            return Err(FilesError::InvalidForm("there is no file in it"));
        };
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            _ if is_file(&field) => {
                let given = field.content_type().map(ToString::to_string);
                description.content_type = content_type_or_default(given.or(Some(description.content_type)))?;
                return Ok(Incoming { description, bytes: file(form, field), size_bytes: None });
            }
            "cacheControl" => description.cache_control = max_age(&short(&mut field).await?)?,
            "metadata" => description.user_metadata = metadata(&short(&mut field).await?)?,
            "contentType" => description.content_type = ascii(&short(&mut field).await?)?,
            "contentEncoding" => {
                let coding = ascii(&short(&mut field).await?)?;
                description.content_encoding = Some(coding).filter(|coding| !coding.is_empty());
            }
            _ => drop(short(&mut field).await?),
        }
    }
    Err(FilesError::InvalidForm("there are too many fields before the file"))
}

/// The clients call the file nothing; browsers give it a file name.
fn is_file(field: &Field<'_>) -> bool {
    field.file_name().is_some() || matches!(field.name(), None | Some("" | "file"))
}

/// The form goes with the field: it reads on for it.
fn file(form: Multipart<'static>, field: Field<'static>) -> ByteStream {
    Box::pin(stream::try_unfold((form, field), |(form, mut field)| async move {
        match field.chunk().await {
            Ok(Some(piece)) => Ok(Some((piece, (form, field)))),
            Ok(None) => Ok(None),
            Err(error) => Err(StoreError::Source(refused(&error).into())),
        }
    }))
}

async fn short(field: &mut Field<'_>) -> Result<Vec<u8>, FilesError> {
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| refused(&error))? {
        text.extend_from_slice(&piece);
        if text.len() > MAX_FIELD_BYTES {
            return Err(FilesError::InvalidForm("a field before the file is too long"));
        }
    }
    Ok(text)
}

/// The form says seconds; the whole header value is taken too.
fn max_age(text: &[u8]) -> Result<String, FilesError> {
    let text = ascii(text)?;
    Ok(if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        format!("max-age={text}")
    } else {
        text
    })
}

/// Takes a text that a header can carry.
fn ascii(text: &[u8]) -> Result<String, FilesError> {
    let usable = text.len() <= 255 && text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let text = std::str::from_utf8(text).ok().filter(|_| usable);
    text.map(|text| text.trim().to_owned())
        .ok_or(FilesError::InvalidForm("a field is too long, or holds characters that no header can carry"))
}

/// Finds the reason for which the body stopped; anything else is the form's own mistake.
fn refused(error: &multer::Error) -> FilesError {
    match error {
        multer::Error::StreamReadFailed(_) => {
            FilesError::InvalidForm("the body ended before it was complete")
        }
        multer::Error::IncompleteFieldData { .. } | multer::Error::IncompleteStream => {
            FilesError::InvalidForm("it ends before its last boundary")
        }
        _ => FilesError::InvalidForm("its parts are not well formed"),
    }
}

/// Lets the parser have one piece at a time. It would read on for as long as more is there, and so hold an object that
/// comes faster than the store takes it.
struct OneAtATime {
    bytes: ByteStream,
    pause: bool,
}

impl Stream for OneAtATime {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.bytes.as_mut().poll_next(cx);
        self.pause = polled.is_ready();
        polled
    }
}
