//! The files that pages name: their address changes with their content, so browsers keep them for ever.

use quoin_kernel::Problem;
use quoin_web::{
    Body, Ctx, HeaderValue, Refusal, Response, RoutesFor, State, Unidentified, ValidPath, header,
};

use super::page;
use crate::Pages;

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes.add(page("/assets/{file}", "pages.assets.read"), read)
}

async fn read(
    _: Ctx<Unidentified>,
    State(pages): State<Pages>,
    ValidPath(file): ValidPath<String>,
) -> Result<Response, Refusal> {
    let asset = pages.look().asset(&file).ok_or_else(|| Problem::not_found("file"))?;
    let mut response = Response::new(Body::from(asset.bytes.clone()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    // A logo may be an SVG; opened by itself it must not run what somebody has drawn into it.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
