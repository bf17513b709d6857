//! Handlers of rows.

use bytes::Bytes;
use http::Uri;
use quoin_kernel::{Caller, Problem};
use quoin_web::{Anyone, Ctx, HeaderMap, Json, Refusal, Response, State, ValidBytes, ValidPath};

use super::answer::{body_format, check_profile, format, into_response};
use crate::error::DataError;
use crate::model::query::{Parameters, Preferences};
use crate::service::{BodyFormat, Data, RowsRequest};
use quoin_policy::model::requester::Requester;

/// Refuses an API key that was not made for users' tables.
fn demand_scope(caller: &Caller) -> Result<(), Problem> {
    match caller {
        Caller::ApiKey(key) if !key.allows("data") => {
            Err(Problem::forbidden("This API key lacks the scope data."))
        }
        _ => Ok(()),
    }
}

/// Reads everything that a request says in its head.
fn head(
    ctx: &Ctx<Anyone>,
    data: &Data,
    table: String,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<RowsRequest, Problem> {
    demand_scope(&ctx.who.caller)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    check_profile(text("accept-profile"))?;
    let (format, strip_nulls) = format(text("accept"))?;
    let prefer = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    Ok(RowsRequest {
        requester: Requester::of(&ctx.who.caller, ctx.now()),
        table,
        parameters: Parameters::parse(uri.query().unwrap_or_default())?,
        preferences: Preferences::parse(prefer, data.config().allow_rollback)?,
        format,
        strip_nulls,
        range: text("range").map(str::to_owned),
        body: Bytes::new(),
        body_format: BodyFormat::Json,
    })
}

/// Reads the head, and the body with it.
fn whole(
    ctx: &Ctx<Anyone>,
    data: &Data,
    table: String,
    (uri, headers): (&Uri, &HeaderMap),
    ValidBytes(body): ValidBytes,
) -> Result<RowsRequest, Problem> {
    let mut request = head(ctx, data, table, uri, headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    check_profile(text("content-profile"))?;
    request.body_format = body_format(text("content-type"))?;
    request.body = body;
    // Only reading has ranges of rows.
    request.range = None;
    Ok(request)
}

pub(super) async fn read(
    ctx: Ctx<Anyone>,
    State(data): State<Data>,
    ValidPath(table): ValidPath<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let request = head(&ctx, &data, table, &uri, &headers)?;
    Ok(into_response(data.read_rows(request).await?)?)
}

/// Declares the handlers that take a body.
macro_rules! writes {
    ($($handler:ident => $service:ident;)*) => {$(
        pub(super) async fn $handler(
            ctx: Ctx<Anyone>,
            State(data): State<Data>,
            ValidPath(table): ValidPath<String>,
            uri: Uri,
            headers: HeaderMap,
            body: ValidBytes,
        ) -> Result<Response, Refusal> {
            let request = whole(&ctx, &data, table, (&uri, &headers), body)?;
            Ok(into_response(data.$service(request).await?)?)
        }
    )*};
}

writes! {
    insert => insert_rows;
    update => update_rows;
    put => put_row;
    delete => delete_rows;
}

pub(super) async fn describe(
    ctx: Ctx<Anyone>,
    State(data): State<Data>,
) -> Result<Json<serde_json::Value>, Refusal> {
    demand_scope(&ctx.who.caller)?;
    Ok(Json(data.describe(&Requester::of(&ctx.who.caller, ctx.now())).await?))
}

pub(super) async fn call(
    _: Ctx<Anyone>,
    ValidPath(function): ValidPath<String>,
) -> Result<Response, Refusal> {
    let message = format!("Could not find the function public.{function} in the schema cache");
    Err(DataError::NotImplemented("PGRST202", message, 404).into())
}
