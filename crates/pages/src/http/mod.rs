//! The pages, one file for each thing that somebody comes to do.

pub(crate) mod assets;
mod confirm;
mod factors;
mod invitation;
mod link;
mod organisations;
mod passkeys;
mod password;
mod profile;
mod providers;
mod recover;
mod second_factor;
mod security;
mod sessions;
mod sign_in;
mod sign_up;

use minijinja::{Value, context};
use quoin_web::{Operation, Routes, Who};

use crate::Pages;

/// Every page of the room.
pub(crate) fn routes(pages: Pages) -> Routes {
    let routes = Routes::new(pages);
    let routes = sign_in::add(routes);
    let routes = sign_up::add(routes);
    let routes = providers::add(routes);
    let routes = link::add(routes);
    let routes = confirm::add(routes);
    let routes = recover::add(routes);
    let routes = second_factor::add(routes);
    let routes = passkeys::add(routes);
    let routes = profile::add(routes);
    let routes = security::add(routes);
    let routes = password::add(routes);
    let routes = factors::add(routes);
    let routes = sessions::add(routes);
    let routes = organisations::add(routes);
    invitation::add(routes).done()
}

/// Declares a page that is opened. Its visitor is found out by cookie, which the doorkeepers of the APIs never look at.
fn page(path: &'static str, id: &'static str) -> Operation {
    Operation::get(path, id).caller(Who::Unidentified).undocumented()
}

/// Names the one form of a template that other rooms fill too: where it is sent and with what.
fn own_form(action: &str, fields: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> = fields.iter().map(|(name, value)| Value::from_iter([*name, *value])).collect();
    context! { action, fields }
}

/// Declares a form that is sent.
fn form(path: &'static str, id: &'static str) -> Operation {
    Operation::post(path, id).caller(Who::Unidentified).undocumented().body_limit(64 * 1024)
}
