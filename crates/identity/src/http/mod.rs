//! The shapes of the User Authentication API.

mod about;
mod admin;
mod api_keys;
mod door;
mod factor_out;
mod factors;
mod introspect;
pub mod landing;
mod link_query;
mod magic_link;
mod oauth;
mod out;
mod passkeys;
mod sessions;
mod sign_up;
mod signing_keys;
mod sso;
mod switch;
mod token;
mod user;
mod verify;

use quoin_web::Routes;

use crate::Identity;

/// Every operation of the room.
pub fn routes(identity: Identity) -> Routes {
    let routes = Routes::new(identity);
    let routes = about::add(routes);
    let routes = sign_up::add(routes);
    let routes = magic_link::add(routes);
    let routes = token::add(routes);
    let routes = verify::add(routes);
    let routes = user::add(routes);
    let routes = oauth::add(routes);
    let routes = sso::add(routes);
    let routes = factors::add(routes);
    let routes = passkeys::add(routes);
    let routes = sessions::add(routes);
    let routes = admin::add(routes);
    let routes = api_keys::add(routes);
    let routes = introspect::add(routes);
    signing_keys::add(routes).done()
}
