//! The billing portal's page: what a customer has, what was billed, and what they may change.

use http::HeaderMap;
use quoin_web::page::Html;
use quoin_web::{
    Ctx, IntoResponse, Operation, Response, RoutesFor, State, Unidentified, ValidBytes, ValidPath,
};
use serde_json::json;
use url::Url;

use super::form::Form;
use super::{answer, check_site, page, redirect};
use crate::StripeTwin;
use crate::billing::amounts::for_people;
use crate::billing::calendar::date;
use crate::billing::lifecycle;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;
use crate::objects::{billing_portal, payment_method, subscription, subscription_schedule};

pub(super) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    routes
        .add(Operation::get("/_twin/portal/{secret}", "stripe_twin.portal.show").undocumented(), show)
        .add(Operation::post("/_twin/portal/{secret}", "stripe_twin.portal.change").undocumented(), change)
}

/// What the page shows.
struct Shown {
    session: Object,
    configuration: Object,
    subscriptions: Vec<Object>,
    invoices: Vec<Object>,
    card: Option<Object>,
}

async fn show(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(secret): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        Ok(render(&look(&twin, secret).await?, None))
    };
    answer(shown.await)
}

async fn look(twin: &StripeTwin, secret: String) -> Result<Shown, StripeError> {
    twin.look("stripe_twin.portal.load", move |desk| load(desk, &secret)).await
}

fn load(desk: &mut Desk<'_, '_>, secret: &str) -> Result<Shown, StripeError> {
    let session = billing_portal::by_secret(desk, secret)?;
    let configuration =
        desk.get("billing_portal.configuration", session.text("configuration").unwrap_or_default())?;
    let owner = session.owned("customer").unwrap_or_default();
    let customer = desk.get("customer", &owner)?;
    let mut subscriptions = desk.of_customer("subscription", &owner)?;
    subscriptions.retain(|found| !matches!(found.status(), "canceled" | "incomplete_expired"));
    let mut invoices = desk.of_customer("invoice", &owner)?;
    invoices.retain(|invoice| invoice.status() != "draft");
    invoices.reverse();
    let method = subscriptions
        .iter()
        .find_map(|found| found.text("default_payment_method"))
        .or(customer.text("invoice_settings.default_payment_method"));
    let card = match method {
        Some(method) => desk.find(method)?,
        None => None,
    };
    Ok(Shown { session, configuration, subscriptions, invoices, card })
}

async fn change(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(secret): ValidPath<String>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let changed = async {
        check_site(&twin, &headers)?;
        let form = Form::read(&body)?;
        let asked = Asked::read(&form);
        let page = twin.desk_parts().links.page(&format!("/portal/{secret}"));
        let name = secret.clone();
        match twin.change("stripe_twin.portal.change", move |desk| apply(desk, &name, &asked)).await {
            Ok(()) => Ok(redirect(&page)),
            Err(error) => Ok(render(&look(&twin, secret).await?, Some(&error))),
        }
    };
    answer(changed.await)
}

/// What a form of the page asks for.
#[derive(Clone)]
struct Asked {
    verb: String,
    subscription: String,
    number: String,
    expiry: (i64, i64),
    name: String,
}

impl Asked {
    fn read(form: &Form) -> Self {
        Self {
            verb: form.or_empty("do"),
            subscription: form.or_empty("subscription"),
            number: form.or_empty("number"),
            expiry: form.expiry("expiry"),
            name: form.or_empty("name"),
        }
    }
}

fn apply(desk: &mut Desk<'_, '_>, secret: &str, asked: &Asked) -> Result<(), StripeError> {
    let shown = load(desk, secret)?;
    let allowed = |feature: &str| shown.configuration.flag(&format!("features.{feature}.enabled"));
    let own = shown.subscriptions.iter().find(|found| found.id() == asked.subscription);
    match (asked.verb.as_str(), own) {
        ("cancel", Some(own)) if allowed("subscription_cancel") => cancel(desk, own, &shown.configuration),
        ("resume", Some(own)) if allowed("subscription_cancel") => {
            let keep = Params::default().with("cancel_at_period_end", false);
            subscription::change::update(desk, own, &keep).map(drop)
        }
        ("card", _) if allowed("payment_method_update") => set_card(desk, &shown, asked),
        _ => Err(StripeError::invalid("This page does not allow that.")),
    }
}

fn cancel(desk: &mut Desk<'_, '_>, own: &Object, configuration: &Object) -> Result<(), StripeError> {
    if configuration.text("features.subscription_cancel.mode") == Some("immediately") {
        return lifecycle::end(desk, own.clone(), "canceled", "cancellation_requested").map(drop);
    }
    // What a schedule has planned would come after the end, so it goes.
    let own = match subscription_schedule::of(desk, own)? {
        Some(schedule) => {
            subscription_schedule::release(desk, schedule)?;
            desk.get("subscription", own.id())?
        }
        None => own.clone(),
    };
    let later = Params::default().with("cancel_at_period_end", true);
    subscription::change::update(desk, &own, &later).map(drop)
}

/// Keeps a card and makes it the one by which everything is paid.
fn set_card(desk: &mut Desk<'_, '_>, shown: &Shown, asked: &Asked) -> Result<(), StripeError> {
    let owner = shown.session.owned("customer").unwrap_or_default();
    let billing = Params::of(&json!({"name": asked.name}));
    let method = payment_method::of_card(desk, &asked.number, asked.expiry, &billing)?;
    let method = payment_method::attach(desk, method.id(), &owner)?;
    let mut customer = desk.get("customer", &owner)?;
    customer.set("invoice_settings.default_payment_method", method.id());
    desk.update(&customer, "customer.updated")?;
    for mut own in desk.of_customer("subscription", &owner)? {
        if own.at("default_payment_method").is_string() {
            own.set("default_payment_method", method.id());
            desk.update(&own, "customer.subscription.updated")?;
        }
    }
    Ok(())
}

fn render(shown: &Shown, error: Option<&StripeError>) -> Response {
    let allowed = |feature: &str| shown.configuration.flag(&format!("features.{feature}.enabled"));
    let mut body = Html::new().raw("<main class=\"board\"><h1>Billing</h1>");
    if let Some(error) = error {
        body = body.raw("<p class=\"bad\" role=\"alert\">").text(error.message()).raw("</p>");
    }
    body = body.raw("<section><h2>Subscriptions</h2>");
    for own in &shown.subscriptions {
        body = body.html(&one_subscription(own, allowed("subscription_cancel")));
    }
    if shown.subscriptions.is_empty() {
        body = body.raw("<p class=\"soft\">You have no subscription.</p>");
    }
    body = body.raw("</section>");
    if allowed("payment_method_update") {
        body = body.html(&card_form(shown.card.as_ref()));
    }
    if allowed("invoice_history") {
        body = body.html(&invoices(&shown.invoices));
    }
    let back = shown.session.text("return_url");
    if let Some(back) = back {
        body = body.raw("<p><a href=\"").text(back).raw("\">← Go back</a></p>");
    }
    let ready = page("Billing", &body.raw("</main>"));
    match back.and_then(|back| Url::parse(back).ok()) {
        Some(target) => ready.form_may_reach(&target).into_response(),
        None => ready.into_response(),
    }
}

fn one_subscription(own: &Object, may_cancel: bool) -> Html {
    let currency = own.text("currency").unwrap_or("usd");
    let mut html = Html::new().raw("<ul class=\"lines\">");
    for item in own.list("items.data") {
        let item = Object::new(item.clone());
        let quantity = item.int("quantity").unwrap_or(1);
        let each = for_people(item.amount("price.unit_amount"), currency);
        let every = item.text("price.recurring.interval").unwrap_or_default();
        html = html.raw("<li><span class=\"name\">").text(&format!("{quantity} × {each} / {every}"));
        html = html.raw("</span><span class=\"tag\">").text(own.status()).raw("</span></li>");
    }
    let end = date(own.amount("_period_end"));
    let leaving = own.flag("cancel_at_period_end");
    html = html
        .raw("</ul><p class=\"soft\">")
        .raw(if leaving { "Ends on " } else { "Renews on " })
        .text(&end)
        .raw(".</p>");
    if !may_cancel {
        return html;
    }
    let (verb, words) = if leaving { ("resume", "Keep it") } else { ("cancel", "Cancel it") };
    html = html.raw("<form method=\"post\">").hidden("do", verb).hidden("subscription", own.id());
    html.raw("<button class=\"quiet\">").raw(words).raw("</button></form>")
}

fn card_form(card: Option<&Object>) -> Html {
    let mut html = Html::new().raw("<section><h2>Card</h2><p>");
    html = match card {
        Some(card) => html
            .text(card.text("card.brand").unwrap_or_default())
            .raw(" •••• ")
            .text(card.text("card.last4").unwrap_or_default()),
        None => html.raw("No card is kept."),
    };
    html.raw(
        "</p><form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"card\">\
         <label for=\"number\">New card number</label><input id=\"number\" name=\"number\" inputmode=\"numeric\" autocomplete=\"cc-number\" required>\
         <div class=\"pair\"><div><label for=\"expiry\">Expiry</label><input id=\"expiry\" name=\"expiry\" autocomplete=\"cc-exp\" placeholder=\"MM / YY\" required></div>\
         <div><label for=\"name\">Name on card</label><input id=\"name\" name=\"name\" autocomplete=\"cc-name\" required></div></div>\
         <p><button>Use this card</button></p></form></section>",
    )
}

fn invoices(invoices: &[Object]) -> Html {
    let mut html = Html::new().raw("<section><h2>Invoices</h2><div class=\"scroll\"><table>");
    for invoice in invoices {
        let total = for_people(invoice.amount("total"), invoice.text("currency").unwrap_or("usd"));
        html = html.raw("<tr><td>").text(&date(invoice.amount("created"))).raw("</td><td>").text(&total);
        html = html.raw("</td><td>").text(invoice.status()).raw("</td><td><a href=\"");
        html = html.text(invoice.text("hosted_invoice_url").unwrap_or_default()).raw("\">");
        html = html.text(invoice.text("number").unwrap_or("Invoice")).raw("</a></td></tr>");
    }
    html.raw("</table></div></section>")
}
