//! The first things a newcomer sees: the lines at start, and the page at `/`.

use quoin_identity::service::FirstKeys;
use quoin_web::page::{Html, Page};
use quoin_web::{App, Ctx, IntoResponse, Mode, Module, Operation, Response, Routes, Unidentified, Who};

/// Describes this room's page.
pub(crate) fn module(app: &App) -> Module {
    let page = Operation::get("/", "server.welcome").caller(Who::Unidentified).undocumented();
    let routes = Routes::new(app.clone()).add(page, welcome).done();
    Module::new("server", routes)
}

/// Prints where the server is and, at the first start, its keys: the only time that the secret one can be read.
#[expect(clippy::print_stdout, reason = "the one answer of `quoin serve` to whoever started it")]
pub(crate) fn announce(app: &App, keys: &FirstKeys) {
    let config = app.config();
    let mode = if config.mode == Mode::Development { "development" } else { "production" };
    println!("Quoin is ready at {} ({mode})", config.public_url.as_str().trim_end_matches('/'));
    if let Some(key) = &keys.publishable {
        println!("publishable key  {key}");
    }
    if let Some(key) = &keys.secret {
        println!("secret key       {}", key.expose());
        println!("Keep the secret key: it is shown this once and stored only as a hash.");
    }
}

async fn welcome(ctx: Ctx<Unidentified>) -> Response {
    let config = ctx.app.config();
    let url = config.public_url.as_str().trim_end_matches('/');
    let body = Html::new()
        .raw("<main><h1>Quoin is running</h1><p>Sign-in, organisations and your tables answer at <code>")
        .text(url)
        .raw("</code>.</p><h2>What to do next</h2><ol>")
        .raw("<li><p>Install the client you already know: <code>npm install @supabase/supabase-js</code></p></li>")
        .raw("<li><p>Connect with the publishable key that the first start printed:</p><pre><code>")
        .text(&format!("const quoin = createClient(\"{url}\", \"quoin_pub_…\")"))
        .raw("</code></pre></li>")
        .raw("<li><p>Make a table: put SQL with its policies into <code>migrations/0001_posts.sql</code> and run ")
        .raw("<code>quoin migrate</code>.</p></li>")
        .raw("<li><p>Sign somebody up with <code>quoin.auth.signUp({ email, password })</code>.");
    let body = match config.mode {
        Mode::Development => body
            .raw(" The mail waits in the development mailbox: <code>GET /admin/v1/mailbox?to=…</code> ")
            .raw("with the secret key."),
        Mode::Production => body,
    };
    let body = body
        .raw("</p></li></ol><p><a href=\"/docs\">All operations</a> · <a href=\"/openapi.json\">OpenAPI</a> · ")
        .raw("<a href=\"/readyz\">Readiness</a></p></main>");
    Page::new("Quoin is running", body).into_response()
}
