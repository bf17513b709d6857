//! The files that pages name: their address changes with their content, so browsers keep them for ever.

use quoin_kernel::Problem;
use quoin_web::{Body, Ctx, HeaderValue, Refusal, Response, Routes, State, Unidentified, ValidPath, header};

use super::page;
use crate::Frame;

/// The files of every page in the process.
pub(crate) fn routes(frame: Frame) -> Routes {
    Routes::new(frame).add(page("/assets/{file}", "pages.assets.read"), read).done()
}

async fn read(
    _: Ctx<Unidentified>,
    State(frame): State<Frame>,
    ValidPath(file): ValidPath<String>,
) -> Result<Response, Refusal> {
    let asset = frame.look().asset(&file).ok_or_else(|| Problem::not_found("file"))?;
    let mut response = Response::new(Body::from(asset.bytes.clone()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    // A logo may be an SVG; opened by itself it must not run what somebody has drawn into it.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
