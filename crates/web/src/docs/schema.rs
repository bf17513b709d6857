//! A JSON schema as a table that people read.

use serde_json::Value;

use crate::page::Html;

/// Writes a schema: an object as a table of its properties, anything else as one line.
pub(super) fn schema_rows(schema: &Value) -> Html {
    let Some(properties) = schema["properties"].as_object() else {
        return Html::new().raw("<p>").html(&type_of(schema)).raw("</p>");
    };
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
    };
    let mut out = Html::new().raw("<table><tbody>");
    for (name, property) in properties {
        out = out.html(&row(name, property, required(name)));
    }
    out.raw("</tbody></table>")
}

/// Writes one property or parameter.
pub(super) fn row(name: &str, schema: &Value, required: bool) -> Html {
    let mark = if required { "required" } else { "" };
    let out = Html::new().raw("<tr><th scope=\"row\"><code>").text(name).raw("</code> <small>").text(mark);
    let out = out.raw("</small></th><td>").html(&type_of(schema)).raw("</td><td>");
    out.text(schema["description"].as_str().unwrap_or_default()).raw("</td></tr>")
}

/// Names a schema's type; a reference becomes a link.
fn type_of(schema: &Value) -> Html {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return Html::new().raw("<a href=\"#schema-").text(name).raw("\">").text(name).raw("</a>");
    }
    for (key, separator) in [("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[key].as_array() {
            return joined(parts.iter().map(type_of), separator);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return joined(
            values.iter().map(|value| Html::new().raw("<code>").text(&value.to_string()).raw("</code>")),
            " or ",
        );
    }
    if !schema["const"].is_null() {
        return Html::new().raw("<code>").text(&schema["const"].to_string()).raw("</code>");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    };
    let out = match schema["format"].as_str() {
        Some(format) => Html::new().text(&format!("{name} ({format})")),
        None => Html::new().text(&name),
    };
    if schema["items"].is_object() { out.raw(" of ").html(&type_of(&schema["items"])) } else { out }
}

fn joined(parts: impl Iterator<Item = Html>, separator: &'static str) -> Html {
    parts.enumerate().fold(Html::new(), |out, (at, part)| {
        let out = if at == 0 { out } else { out.raw(separator) };
        out.html(&part)
    })
}
