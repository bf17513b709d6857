//! The twin's pages: checkout, 3-D Secure, invoices, and the dashboard. They work without JavaScript.

mod challenge;
mod checkout;
mod credit_note;
mod dashboard;
mod form;
mod invoice;
mod pdf;
mod portal;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use quoin_web::page::{Html, Page};
use quoin_web::{IntoResponse, Response, RoutesFor};
use url::Url;

use crate::StripeTwin;
use crate::error::StripeError;

/// The look that the twin's pages share.
const LOOK: &str = include_str!("look.css");

/// Adds every page.
pub(crate) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    let routes = checkout::add(challenge::add(routes));
    dashboard::add(portal::add(credit_note::add(invoice::add(routes))))
}

/// Starts a page of the twin.
fn page(title: &str, body: &Html) -> Page {
    let banner = Html::new()
        .raw("<p class=\"banner\">Test mode: this is Quoin’s twin of Stripe, no money moves.</p>")
        .html(body);
    Page::new(title, banner).style(LOOK)
}

/// Shows a refusal.
fn refused(error: &StripeError) -> Response {
    let body = Html::new()
        .raw("<main class=\"card\"><h1>This did not work</h1><p>")
        .text(error.message())
        .raw("</p></main>");
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    page("This did not work", &body).status(status).into_response()
}

/// Answers a page or its refusal.
fn answer(outcome: Result<Response, StripeError>) -> Response {
    outcome.unwrap_or_else(|error| refused(&error))
}

/// Refuses pages of other sites.
fn check_site(twin: &StripeTwin, headers: &HeaderMap) -> Result<(), StripeError> {
    crate::api::door::check_site(headers, &twin.app().config().public_url)
}

/// Sends the browser elsewhere, after a form.
fn redirect(target: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // A URL that was parsed holds nothing that a header could not.
    let location = Url::parse(target).map_or_else(|_| target.to_owned(), String::from);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
