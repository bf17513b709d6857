//! The bank's page of 3-D Secure: the customer authenticates, or does not.

use http::HeaderMap;
use quoin_web::page::Html;
use quoin_web::{
    Ctx, IntoResponse, Operation, Response, RoutesFor, State, Unidentified, ValidBytes, ValidPath,
};
use serde_json::Value;
use url::Url;

use super::form::Form;
use super::{answer, check_site, page, redirect};
use crate::StripeTwin;
use crate::billing::amounts::for_people;
use crate::billing::payment::{self, Presence};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::{checkout_session, setup_intent};

pub(super) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    routes
        .add(Operation::get("/_twin/challenge/{intent}", "stripe_twin.challenge.show").undocumented(), show)
        .add(
            Operation::post("/_twin/challenge/{intent}", "stripe_twin.challenge.answer").undocumented(),
            send,
        )
}

fn kind_of(id: &str) -> &'static str {
    if id.starts_with("seti_") { "setup_intent" } else { "payment_intent" }
}

/// An intent, and where the browser goes when it is decided.
struct Decided {
    intent: Object,
    session: Option<Object>,
}

async fn show(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        let found = twin.look("stripe_twin.challenge.load", move |desk| load(desk, &id)).await?;
        Ok(render(&twin, &found))
    };
    answer(shown.await)
}

fn load(desk: &mut Desk<'_, '_>, id: &str) -> Result<Decided, StripeError> {
    let intent = desk.get(kind_of(id), id)?;
    let session = match intent.text("_session") {
        Some(session) => desk.find(session)?,
        None => None,
    };
    Ok(Decided { intent, session })
}

fn render(twin: &StripeTwin, found: &Decided) -> Response {
    if found.intent.status() != "requires_action" {
        return redirect_or_say(twin, found);
    }
    let what = match found.intent.int("amount") {
        Some(amount) => format!(
            "Your bank wants to know that it is you who pays {}.",
            for_people(amount, found.intent.text("currency").unwrap_or("usd"))
        ),
        None => "Your bank wants to know that it is you who saves this card.".to_owned(),
    };
    let body = Html::new()
        .raw("<main class=\"card\"><h1>3-D Secure</h1><p>")
        .text(&what)
        .raw(
            "</p><form method=\"post\"><div class=\"row\"><button name=\"do\" value=\"complete\">Complete</button>\
             <button class=\"quiet\" name=\"do\" value=\"fail\">Fail</button></div></form></main>",
        );
    let target = leads_to(twin, found).and_then(|target| Url::parse(&target).ok());
    let shown = page("3-D Secure", &body);
    match target {
        Some(target) => shown.form_may_reach(&target).into_response(),
        None => shown.into_response(),
    }
}

/// Returns where a decided intent leads: the session's next page, or the address that was given with the intent.
fn leads_to(twin: &StripeTwin, found: &Decided) -> Option<String> {
    if let Some(session) = &found.session {
        let open = session.status() == "open" && found.intent.status() != "requires_action";
        let back = twin.desk_parts().links.page(&format!("/checkout/{}", session.id()));
        return Some(if open { back } else { super::checkout::success_url(session) });
    }
    let mut target = Url::parse(found.intent.text("_return_url")?).ok()?;
    let good = matches!(found.intent.status(), "succeeded" | "requires_capture");
    let status = if good { "succeeded" } else { "failed" };
    target
        .query_pairs_mut()
        .append_pair(kind_of(found.intent.id()), found.intent.id())
        .append_pair("redirect_status", status);
    Some(target.into())
}

fn redirect_or_say(twin: &StripeTwin, found: &Decided) -> Response {
    if let Some(target) = leads_to(twin, found) {
        return redirect(&target);
    }
    let body = Html::new()
        .raw("<main class=\"card\"><h1>3-D Secure</h1><p>This is decided: the payment stands at “")
        .text(found.intent.status())
        .raw("”. You can close this page.</p></main>");
    page("3-D Secure", &body).into_response()
}

async fn send(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let sent = async {
        check_site(&twin, &headers)?;
        let authenticated = Form::read(&body)?.text("do") == Some("complete");
        let asked = id.clone();
        let decided = twin
            .change("stripe_twin.challenge.decide", move |desk| decide(desk, &asked, authenticated))
            .await;
        if let Err(error) = decided.as_ref().map_err(StripeError::clone) {
            tracing::debug!(%error, intent = id, "a payment was refused after 3-D Secure");
        }
        let found = twin.look("stripe_twin.challenge.load", move |desk| load(desk, &id)).await?;
        Ok(redirect_or_say(&twin, &found))
    };
    answer(sent.await)
}

/// Decides an intent that waits for authentication.
pub(crate) fn decide(desk: &mut Desk<'_, '_>, id: &str, authenticated: bool) -> Result<(), StripeError> {
    let mut intent = desk.get(kind_of(id), id)?;
    if intent.status() != "requires_action" {
        return Ok(());
    }
    if !authenticated {
        return fail(desk, intent);
    }
    if intent.kind() == "setup_intent" {
        return setup_intent::confirm_with(desk, &mut intent, true);
    }
    let method = intent.owned("payment_method").unwrap_or_default();
    let mut method = desk.get("payment_method", &method)?;
    let paid = payment::confirm(desk, &mut intent, &mut method, Presence::Authenticated);
    if paid.is_err() {
        give_up(desk, &intent)?;
    }
    paid
}

fn give_up(desk: &mut Desk<'_, '_>, intent: &Object) -> Result<(), StripeError> {
    match intent.owned("_session") {
        Some(session) => checkout_session::abandon_authentication(desk, &session),
        None => Ok(()),
    }
}

fn fail(desk: &mut Desk<'_, '_>, mut intent: Object) -> Result<(), StripeError> {
    let message = "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
    let (code, field, event) = match intent.kind() {
        "setup_intent" => {
            ("setup_intent_authentication_failure", "last_setup_error", "setup_intent.setup_failed")
        }
        _ => ("payment_intent_authentication_failure", "last_payment_error", "payment_intent.payment_failed"),
    };
    let error = StripeError::invalid(message).code(code);
    intent.set("status", "requires_payment_method");
    intent.set("payment_method", Value::Null);
    intent.set("next_action", Value::Null);
    intent.set(field, error.body()["error"].clone());
    desk.update(&intent, event)?;
    give_up(desk, &intent)
}
