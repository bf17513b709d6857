//! Content that acts: what a browser would run in this origin's name if it were shown, and how it is kept from that.
//!
//! Types are told by their first bytes (as the WHATWG's MIME sniffing standard does for the ones that matter here), because
//! what an uploader says about them is only what an uploader says.

use super::bucket::essence;

/// How many of the first bytes are looked at.
pub const LOOKED_AT: usize = 1024;

/// What the first bytes say a thing is, where they say it for certain.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"OggS\0", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
];

/// How a document begins that a browser would run, in lower case.
const ACTIVE_BEGINNINGS: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<body",
    "<script",
    "<iframe",
    "<svg",
    "<?xml",
    "<img",
    "<style",
    "<title",
    "<table",
    "<a ",
    "<br",
    "<p>",
    "<div",
    "<h1",
    "<b>",
    "<font",
    "<form",
    "<meta",
    "<link",
    "<object",
    "<embed",
    "<math",
    "<template",
    "<!--",
];

/// Tells a type by the first bytes; `None` where they do not say.
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, kind)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(kind);
    }
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return Some("image/webp"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => return Some("audio/wav"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => return Some("image/avif"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return Some("video/mp4"),
        _ => {}
    }
    active_text(bytes).then_some("text/html")
}

/// Tells whether text begins like a document that acts, past what browsers pass over.
fn active_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    // A document in UTF-16 hides its ASCII between NULs.
    let text: String =
        bytes.iter().filter(|byte| byte.is_ascii() && **byte != 0).map(|byte| char::from(*byte)).collect();
    let text = text.trim_start().to_ascii_lowercase();
    ACTIVE_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// Tells whether a browser would run something of a type: only these few are known not to be run.
pub fn is_active(content_type: &str) -> bool {
    let essence = essence(content_type);
    let (family, kind) = essence.split_once('/').unwrap_or((&essence, ""));
    let is_quiet = match family {
        "image" => !kind.contains("svg") && !kind.contains("xml"),
        "audio" | "video" | "font" => !kind.contains("xml"),
        "text" => matches!(kind, "plain" | "csv" | "markdown" | "calendar" | "tab-separated-values"),
        "application" => {
            matches!(kind, "octet-stream" | "json" | "pdf" | "zip" | "gzip" | "ogg" | "x-tar" | "wasm")
                || kind.starts_with("vnd.openxmlformats-")
        }
        _ => false,
    };
    !is_quiet
}

/// Tells whether a document that acts comes under the name of a type whose first bytes always show it.
///
/// One picture under the name of another is no deceit: clients of the contract send JPEGs as PNGs, and browsers show both.
pub fn deceives(said: &str, sniffed: &str) -> bool {
    let always_shown = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"];
    sniffed == "text/html" && always_shown.contains(&essence(said).as_str())
}
