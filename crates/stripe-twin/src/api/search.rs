//! `…/search`: fields, metadata and comparisons joined by AND or by OR, as far as tests of an application need them.

use serde_json::{Value, json};

use super::operation::Call;
use crate::error::StripeError;
use crate::fields::{Field, int, text};
use crate::object::Object;
use crate::store::objects::Listed;

/// What a search takes.
pub(crate) const SEARCH: &[Field] = &[text("query").required(), int("limit"), text("page")];

/// Runs a search over the call's kind.
pub(crate) fn search(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let query = Query::parse(call.params.need("query")?)?;
    let all = call.desk.all(&Listed { kind: call.kind, customer: None, parent: None })?;
    let mut found: Vec<Object> =
        all.into_iter().rev().filter(|object| !object.flag("deleted") && query.holds(object)).collect();
    let limit = usize::try_from(call.params.int("limit").unwrap_or(10).clamp(1, 100)).unwrap_or(10);
    let start = call.params.text("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(0);
    let end = (start + limit).min(found.len());
    let has_more = end < found.len();
    let page: Vec<Value> = found.drain(start.min(end)..end).map(Object::into_document).collect();
    let next_page = has_more.then(|| end.to_string());
    Ok(
        json!({"object": "search_result", "url": call.path, "has_more": has_more, "next_page": next_page, "data": page}),
    )
}

struct Query<'a> {
    any: bool,
    clauses: Vec<Clause<'a>>,
}

struct Clause<'a> {
    negated: bool,
    field: Vec<&'a str>,
    comparison: &'a str,
    value: Value,
}

impl<'a> Query<'a> {
    fn parse(text: &'a str) -> Result<Self, StripeError> {
        let (ands, ors) = (split_words(text, " AND "), split_words(text, " OR "));
        if ands.len() > 1 && ors.len() > 1 {
            return Err(
                StripeError::invalid("A query may join clauses by AND or by OR, not by both.").param("query")
            );
        }
        let any = ors.len() > 1;
        let clauses = if any { ors } else { ands };
        let clauses = clauses.into_iter().map(Clause::parse).collect::<Option<_>>();
        let clauses = clauses.ok_or_else(|| {
            StripeError::invalid(
                "The query could not be understood. Example: email:'a@b.c' AND metadata['k']:'v'",
            )
            .param("query")
        })?;
        Ok(Self { any, clauses })
    }

    fn holds(&self, object: &Object) -> bool {
        let mut each = self.clauses.iter().map(|clause| clause.holds(object) != clause.negated);
        if self.any { each.any(|holds| holds) } else { each.all(|holds| holds) }
    }
}

/// Splits outside of quotes, whatever the case of the words.
fn split_words<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, ' ')
                if text.get(at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word)) =>
            {
                parts.push(&text[start..at]);
                start = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (negated, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let at = text.find([':', '>', '<', '~'])?;
        let (field, rest) = text.split_at(at);
        let length = if rest[1..].starts_with('=') { 2 } else { 1 };
        let (comparison, value) = rest.split_at(length);
        let value = value.trim();
        let quoted = value.strip_prefix(['\'', '"']).and_then(|inner| inner.strip_suffix(['\'', '"']));
        let value = match (quoted, value) {
            (Some(text), _) => Value::from(text.replace("\\'", "'").replace("\\\"", "\"")),
            (None, "null") => Value::Null,
            (None, number) => Value::from(number.parse::<i64>().ok()?),
        };
        let field = match field.strip_prefix("metadata[") {
            Some(key) => vec!["metadata", key.strip_suffix(']')?.trim_matches(['\'', '"'])],
            None => field.split('.').collect(),
        };
        Some(Self { negated, field, comparison, value })
    }

    fn holds(&self, object: &Object) -> bool {
        let found = self.field.iter().fold(object.document(), |value, name| &value[*name]);
        let numbers = found.as_i64().zip(self.value.as_i64().or_else(|| self.value.as_str()?.parse().ok()));
        match self.comparison {
            ">" => numbers.is_some_and(|(found, wanted)| found > wanted),
            "<" => numbers.is_some_and(|(found, wanted)| found < wanted),
            ">=" => numbers.is_some_and(|(found, wanted)| found >= wanted),
            "<=" => numbers.is_some_and(|(found, wanted)| found <= wanted),
            "~" => found
                .as_str()
                .zip(self.value.as_str())
                .is_some_and(|(found, wanted)| found.to_lowercase().contains(&wanted.to_lowercase())),
            _ => match (found, &self.value) {
                (Value::String(found), Value::String(wanted)) => found.eq_ignore_ascii_case(wanted),
                (Value::Bool(found), Value::String(wanted)) => found.to_string() == *wanted,
                _ => *found == self.value || numbers.is_some_and(|(found, wanted)| found == wanted),
            },
        }
    }
}
