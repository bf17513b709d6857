//! The page at `/docs`: the OpenAPI document for people, without scripts or anything from elsewhere.

mod schema;

use serde_json::Value;

use crate::page::Html;

use schema::schema_rows;

/// What the page adds to the shared look.
pub(crate) const STYLE: &str = include_str!("docs/docs.css");

/// Writes the page's body.
pub(crate) fn page(document: &Value) -> Html {
    let operations = operations_of(document);
    let mut out = Html::new()
        .raw("<header><h1>Quoin’s operations</h1>")
        .raw("<p>Every call, what it takes and gives, and whom it lets in. ")
        .raw("Machine-readable: <a href=\"/openapi.json\">/openapi.json</a>.</p></header>\n")
        .raw("<nav aria-label=\"Rooms\"><ul>");
    let rooms = document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str());
    for room in rooms.clone() {
        out = out.raw("<li><a href=\"#room-").text(room).raw("\">").text(room).raw("</a></li>");
    }
    out = out.raw("<li><a href=\"#schemas\">schemas</a></li></ul></nav>\n<main class=\"docs\">\n");
    for room in rooms {
        out = out.raw("<section><h2 id=\"room-").text(room).raw("\">").text(room).raw("</h2>\n");
        for operation in operations.iter().filter(|operation| operation.about["tags"][0] == room) {
            out = out.html(&operation.html());
        }
        out = out.raw("</section>\n");
    }
    out.html(&schemas(document)).raw("</main>")
}

struct Described<'a> {
    method: &'a str,
    path: &'a str,
    about: &'a Value,
}

fn operations_of(document: &Value) -> Vec<Described<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let methods = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, about)| Described { method, path, about })
    });
    methods.collect()
}

impl Described<'_> {
    fn html(&self) -> Html {
        let text = |key: &str| self.about[key].as_str().unwrap_or_default();
        let id = text("operationId");
        let mut out = Html::new().raw("<details id=\"").text(id).raw("\"><summary><span class=\"method ");
        out = out.text(self.method).raw("\">").text(&self.method.to_ascii_uppercase()).raw("</span> <code>");
        out = out.text(self.path).raw("</code> <span class=\"soft\">").text(text("summary"));
        out = out.raw("</span></summary>\n");
        if !text("description").is_empty() {
            out = out.raw("<p>").text(text("description")).raw("</p>");
        }
        out = out.raw("<dl><dt>Caller</dt><dd>").text(text("x-quoin-caller")).raw("</dd>");
        out = out.raw("<dt>Operation</dt><dd><code>").text(id).raw("</code></dd></dl>\n");
        out.html(&self.parameters()).html(&self.body()).html(&self.answers()).raw("</details>\n")
    }

    fn parameters(&self) -> Html {
        let parameters = self.about["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        if parameters.is_empty() {
            return Html::new();
        }
        let mut out = Html::new().raw("<h3>Parameters</h3><table><tbody>");
        for parameter in parameters {
            let required = parameter["required"] == true;
            let mut schema = parameter["schema"].clone();
            schema["description"] = parameter["description"].clone();
            let text = |key: &str| parameter[key].as_str().unwrap_or_default();
            let name = format!("{} ({})", text("name"), text("in"));
            out = out.html(&schema::row(&name, &schema, required));
        }
        out.raw("</tbody></table>")
    }

    fn body(&self) -> Html {
        let contents = self.about["requestBody"]["content"].as_object().into_iter().flatten();
        let mut out = Html::new();
        for (media_type, content) in contents {
            out = out.raw("<h3>Takes <code>").text(media_type).raw("</code></h3>");
            out = out.html(&schema_rows(&content["schema"]));
        }
        out
    }

    fn answers(&self) -> Html {
        let answers = self.about["responses"].as_object().into_iter().flatten();
        let mut out = Html::new();
        for (status, answer) in answers.filter(|(status, _)| *status != "default") {
            let reason = answer["description"].as_str().unwrap_or_default();
            out = out.raw("<h3>Gives <code>").text(status).raw("</code> ").text(reason).raw("</h3>");
            let contents = answer["content"].as_object().into_iter().flatten();
            for (_, content) in contents {
                out = out.html(&schema_rows(&content["schema"]));
            }
        }
        out.raw("<p class=\"soft\">Anything else is a <a href=\"#schema-Problem\">Problem</a>.</p>")
    }
}

fn schemas(document: &Value) -> Html {
    let mut out = Html::new().raw("<section><h2 id=\"schemas\">schemas</h2>\n");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        out = out.raw("<details id=\"schema-").text(name).raw("\"><summary><code>").text(name);
        out =
            out.raw("</code> <span class=\"soft\">").text(schema["description"].as_str().unwrap_or_default());
        out = out.raw("</span></summary>");
        out = out.html(&schema_rows(schema)).raw("</details>\n");
    }
    out.raw("</section>\n")
}
