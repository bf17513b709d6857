//! Pictures over HTTP.

use quoin_kernel::{OrgId, UserId};
use quoin_web::{
    Anyone, Body, Ctx, HeaderMap, HeaderValue, IntoResponse, Refusal, Response, State, StatusCode,
    Unidentified, ValidPath, ValidQuery, header,
};
use serde::Deserialize;

use super::download::{self, Copies};
use crate::error::FilesError;
use crate::images::{Format, Resize, Transformation};
use crate::model::OwnerIn;
use crate::model::requester::READ;
use crate::service::Files;
use crate::service::read_object::Reader;
use crate::service::render::render;
use crate::service::sign::admit_render;

/// The longest side that may be wished, in pixels.
const MAX_SIDE: u32 = 2500;

/// What is wished of a picture.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
pub(super) struct TransformIn {
    /// Its width in pixels, 1 to 2500.
    width: Option<u32>,
    /// Its height in pixels, 1 to 2500.
    height: Option<u32>,
    /// `cover`, `contain` or `fill`.
    resize: Option<String>,
    /// The quality of a JPEG, 20 to 100.
    quality: Option<u32>,
    /// `origin`, `jpeg`, `png` or `webp`.
    format: Option<String>,
}

/// What is wished of an own picture.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct OwnIn {
    /// With a platform key: the organisation whose object is meant.
    org: Option<OrgId>,
    /// With a platform key: the person whose object is meant.
    user: Option<UserId>,
    /// Its width in pixels, 1 to 2500.
    width: Option<u32>,
    /// Its height in pixels, 1 to 2500.
    height: Option<u32>,
    /// `cover`, `contain` or `fill`.
    resize: Option<String>,
    /// The quality of a JPEG, 20 to 100.
    quality: Option<u32>,
    /// `origin`, `jpeg`, `png` or `webp`.
    format: Option<String>,
}

/// What a signed URL carries.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct SignedIn {
    /// The token, which says what is wished.
    token: String,
}

impl TransformIn {
    /// Checks a wish.
    pub(super) fn check(&self) -> Result<Transformation, FilesError> {
        let sides = [self.width, self.height];
        if sides.into_iter().flatten().any(|side| !(1..=MAX_SIDE).contains(&side)) {
            return Err(FilesError::InvalidRequest("width and height must be between 1 and 2500."));
        }
        let quality = self.quality.unwrap_or(80);
        let quality = u8::try_from(quality).ok().filter(|quality| (20..=100).contains(quality));
        let quality = quality.ok_or(FilesError::InvalidRequest("quality must be between 20 and 100."))?;
        let resize = match self.resize.as_deref() {
            None | Some("cover") => Resize::Cover,
            Some("contain") => Resize::Contain,
            Some("fill") => Resize::Fill,
            Some(_) => return Err(FilesError::InvalidRequest("resize must be cover, contain or fill.")),
        };
        let format = match self.format.as_deref() {
            None | Some("origin") => Format::Origin,
            Some("jpeg" | "jpg") => Format::Jpeg,
            Some("png") => Format::Png,
            Some("webp") => Format::WebP,
            Some(_) => return Err(FilesError::InvalidRequest("format must be origin, jpeg, png or webp.")),
        };
        Ok(Transformation { width: self.width, height: self.height, resize, quality, format })
    }
}

pub(super) async fn own(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(input): ValidQuery<OwnIn>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let OwnIn { org, user, width, height, resize, quality, format } = input;
    let requester = files.admit(&ctx.who.caller, OwnerIn { org, user }, READ).await?;
    let wish = TransformIn { width, height, resize, quality, format }.check()?;
    Ok(give(
        &files,
        (&bucket, &path),
        (Reader::Owner(requester.owner, requester.policies), Copies::Reader),
        wish,
        &headers,
    )
    .await?)
}

pub(super) async fn public(
    _ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(wish): ValidQuery<TransformIn>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let wish = wish.check()?;
    Ok(give(&files, (&bucket, &path), (Reader::Public, Copies::Everybody), wish, &headers).await?)
}

pub(super) async fn signed(
    _ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(input): ValidQuery<SignedIn>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (name, object) = download::place(&bucket, &path)?;
    let (ticket, wish) = admit_render(&files, &input.token, (&name, &object)).await?;
    let copies = Copies::ReaderUntil(ticket.expires_at);
    Ok(give(&files, (&bucket, &path), (Reader::Ticket(ticket.owner), copies), wish, &headers).await?)
}

async fn give(
    files: &Files,
    (bucket, path): (&str, &str),
    (reader, copies): (Reader, Copies),
    wish: Transformation,
    headers: &HeaderMap,
) -> Result<Response, FilesError> {
    let (bucket, name) = download::place(bucket, path)?;
    let picture = render(files, (&bucket, &name), reader, wish).await?;
    // The same version, wished the same way, is the same picture.
    let etag = format!("\"{}-{}\"", picture.object.version.id.uuid().simple(), wish.key().replace(' ', "-"));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|list| list.split(',').any(|tag| tag.trim() == etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from_stream(picture.bytes));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(picture.size_bytes));
        download::insert(headers, header::CONTENT_TYPE, &picture.content_type);
        response
    };
    let headers = response.headers_mut();
    download::insert(headers, header::ETAG, &etag);
    let said = &picture.object.version.description.cache_control;
    download::insert(headers, header::CACHE_CONTROL, &copies.directives(said, files.now()));
    Ok(response)
}
