//! The shapes of the User Authentication API.

mod api_keys;
mod introspect;
mod signing_keys;

use quoin_web::Routes;

use crate::Identity;

/// Every operation of the room.
pub fn routes(identity: Identity) -> Routes {
    let routes = Routes::new(identity);
    let routes = api_keys::add(routes);
    let routes = introspect::add(routes);
    signing_keys::add(routes).done()
}
