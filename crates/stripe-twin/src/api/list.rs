//! Lists, with cursors.

use serde_json::Value;

use super::operation::{Call, Filter};
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::{Object, list_of};
use crate::store::objects::{self, Listed};

/// How many rows are looked at in one go.
const CHUNK: i64 = 200;

/// Lists the objects of the call's kind, newest first.
pub(crate) fn list_all(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let customer = call.params.text("customer").map(str::to_owned);
    let kind = call.kind;
    list_narrowed(call, &Listed { kind, customer: customer.as_deref(), parent: None })
}

/// Lists objects under a customer or parent, narrowed by the parameters, newest first.
pub(crate) fn list_narrowed(call: &mut Call<'_, '_>, listed: &Listed<'_>) -> Result<Value, StripeError> {
    let limit = limit(&call.params)?;
    let backwards = call.params.has("ending_before");
    let mut found = collect(call, listed, backwards, limit + 1)?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    if backwards {
        found.reverse();
    }
    let data = found.into_iter().map(Object::into_document).collect();
    Ok(list_of(&call.path, data, has_more))
}

/// Reads `limit`.
///
/// # Errors
/// Outside 1 to 100.
fn limit(params: &Params) -> Result<usize, StripeError> {
    let limit = params.int("limit").unwrap_or(10);
    usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=100).contains(limit))
        .ok_or_else(|| StripeError::invalid("Invalid limit: must be between 1 and 100.").param("limit"))
}

fn collect(
    call: &mut Call<'_, '_>,
    listed: &Listed<'_>,
    backwards: bool,
    wanted: usize,
) -> Result<Vec<Object>, StripeError> {
    let mut cursor = cursor(call, backwards)?;
    let mut found = Vec::new();
    loop {
        let rows = if backwards {
            objects::list_after(call.desk.tx, listed, cursor, CHUNK)?
        } else {
            objects::list_before(call.desk.tx, listed, cursor, CHUNK)?
        };
        let Some((last, _)) = rows.last() else { return Ok(found) };
        cursor = *last;
        let fitting = rows
            .into_iter()
            .map(|(_, object)| object)
            .filter(|object| fits(object, &call.params, call.filter));
        found.extend(fitting.take(wanted - found.len()));
        if found.len() == wanted {
            return Ok(found);
        }
    }
}

fn cursor(call: &mut Call<'_, '_>, backwards: bool) -> Result<i64, StripeError> {
    let name = if backwards { "ending_before" } else { "starting_after" };
    let Some(id) = call.params.text(name).map(str::to_owned) else {
        return Ok(if backwards { 0 } else { i64::MAX });
    };
    let seq = objects::find_seq(call.desk.tx, &id)?;
    seq.ok_or_else(|| StripeError::missing(call.kind, &id).param(name).bad_request())
}

fn fits(object: &Object, params: &Params, filter: Filter) -> bool {
    let given = params
        .names()
        .filter(|name| !matches!(*name, "limit" | "starting_after" | "ending_before" | "expand"));
    !object.flag("deleted")
        && given.into_iter().all(|name| {
            let wanted = params.get(name);
            match name {
                "created" | "current_period_end" | "current_period_start" => {
                    in_range(object.int(name), wanted)
                }
                _ => filter(object, name, wanted),
            }
        })
}

/// Tells whether a moment is the wanted one, or within the wanted bounds.
fn in_range(moment: Option<i64>, wanted: &Value) -> bool {
    let Some(moment) = moment else { return false };
    let bound = |name: &str| wanted[name].as_i64();
    wanted.as_i64().is_none_or(|exact| moment == exact)
        && bound("gt").is_none_or(|bound| moment > bound)
        && bound("gte").is_none_or(|bound| moment >= bound)
        && bound("lt").is_none_or(|bound| moment < bound)
        && bound("lte").is_none_or(|bound| moment <= bound)
}

/// Cuts a page out of a list that an object holds, for `…/lines` and `…/line_items`.
pub(crate) fn page_of(call: &Call<'_, '_>, items: &[Value]) -> Result<Value, StripeError> {
    let limit = limit(&call.params)?;
    let place = |name: &str| {
        let id = call.params.text(name)?;
        items.iter().position(|item| item["id"] == id)
    };
    let start = match (place("starting_after"), place("ending_before")) {
        (Some(after), _) => after + 1,
        (None, Some(before)) => before.saturating_sub(limit),
        (None, None) => 0,
    };
    let end = place("ending_before").unwrap_or(items.len()).min(start + limit);
    let page = items.get(start..end).unwrap_or_default().to_vec();
    Ok(list_of(&call.path, page, end < items.len()))
}
