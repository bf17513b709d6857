//! Form bodies with brackets, as Stripe's clients write them: `items[0][price]=price_1`, `expand[]=customer`.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::error::StripeError;

/// How deep brackets may nest.
const MAX_DEPTH: usize = 12;
/// How many pairs a request may hold.
const MAX_PAIRS: usize = 2000;
/// How long a list may be.
const MAX_ITEMS: usize = 500;

/// Parses pairs into a tree of objects whose leaves are texts; `[]` and `[0]` make objects with numbers as keys, which
/// [`crate::fields`] turns into lists where a list is expected.
///
/// # Errors
/// `parameter_invalid` where brackets do not match or nest too deep.
pub(crate) fn parse(text: &[u8]) -> Result<Map<String, Value>, StripeError> {
    let mut root = Map::new();
    for (number, (name, value)) in form_urlencoded::parse(text).enumerate() {
        if number >= MAX_PAIRS {
            return Err(StripeError::invalid("Too many parameters."));
        }
        let path = path(&name).ok_or_else(|| StripeError::invalid("Invalid parameter name.").param(&name))?;
        insert(&mut root, &path, value.into_owned())
            .ok_or_else(|| StripeError::invalid("Invalid parameter.").param(&name))?;
    }
    Ok(root)
}

/// Splits `a[b][]` into `a`, `b` and the empty text.
fn path(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut path = vec![first];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[')?;
        let end = inner.find(']')?;
        path.push(&inner[..end]);
        rest = &inner[end + 1..];
    }
    (!first.is_empty() && path.len() <= MAX_DEPTH).then_some(path)
}

fn insert(node: &mut Map<String, Value>, path: &[&str], value: String) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let key = if first.is_empty() { next_index(node, rest) } else { (*first).to_owned() };
    if rest.is_empty() {
        node.insert(key, Value::String(value));
        return Some(());
    }
    let child = node.entry(key).or_insert_with(|| Value::Object(Map::new()));
    insert(child.as_object_mut()?, rest, value)
}

/// An empty bracket begins a new item, except that `a[][b]` goes on with the last one until `b` is there already.
fn next_index(node: &Map<String, Value>, rest: &[&str]) -> String {
    let last = node.len().checked_sub(1).map(|last| last.to_string());
    let open = last.filter(|last| {
        let item = node.get(last).and_then(Value::as_object);
        item.is_some_and(|item| rest.first().is_some_and(|key| !key.is_empty() && !item.contains_key(*key)))
    });
    open.unwrap_or_else(|| node.len().to_string())
}

/// Reads a tree as a list: its keys must be numbers; order is theirs.
pub(crate) fn as_list(node: &Map<String, Value>) -> Option<Vec<&Value>> {
    if node.len() > MAX_ITEMS {
        return None;
    }
    let mut items: Vec<(u32, &Value)> =
        node.iter().map(|(key, value)| key.parse().ok().map(|key| (key, value))).collect::<Option<_>>()?;
    items.sort_by_key(|(key, _)| *key);
    Some(items.into_iter().map(|(_, value)| value).collect())
}
