//! The first things a newcomer sees: the lines at start, and the page at `/`.

use quoin_identity::service::FirstKeys;
use quoin_web::{App, Ctx, Mode, Module, Operation, Refusal, Response, Routes, Unidentified, View, Who};
use serde_json::json;

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

async fn welcome(ctx: Ctx<Unidentified>) -> Result<Response, Refusal> {
    let config = ctx.app.config();
    let url = config.public_url.as_str().trim_end_matches('/');
    let values = json!({"url": url, "development": config.mode == Mode::Development});
    Ok(ctx.app.show(View::new("welcome", values, &ctx.origin))?)
}
