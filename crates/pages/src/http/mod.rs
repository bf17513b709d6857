//! The pages, one file for each thing that somebody comes to do.

mod assets;
mod confirm;
mod factors;
mod invitation;
mod link;
mod organisations;
mod passkeys;
mod password;
mod profile;
mod recover;
mod second_factor;
mod security;
mod sessions;
mod sign_in;
mod sign_up;

use quoin_web::{Operation, Routes, Who};

use crate::Pages;

/// Every page of the room.
pub(crate) fn routes(pages: Pages) -> Routes {
    let routes = Routes::new(pages);
    let routes = assets::add(routes);
    let routes = sign_in::add(routes);
    let routes = sign_up::add(routes);
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

/// Declares a form that is sent.
fn form(path: &'static str, id: &'static str) -> Operation {
    Operation::post(path, id).caller(Who::Unidentified).undocumented().body_limit(64 * 1024)
}
