//! The hosted checkout page.

use http::HeaderMap;
use quoin_web::page::Html;
use quoin_web::{
    Ctx, IntoResponse, Operation, Response, RoutesFor, State, Unidentified, ValidBytes, ValidPath,
};
use url::Url;

use super::form::Form;
use super::{answer, check_site, page, redirect};
use crate::StripeTwin;
use crate::billing::amounts::for_people;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::checkout_session::{Entered, Next, submit, with_code};

pub(super) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    routes
        .add(Operation::get("/_twin/checkout/{session}", "stripe_twin.checkout.show").undocumented(), show)
        .add(Operation::post("/_twin/checkout/{session}", "stripe_twin.checkout.submit").undocumented(), send)
}

async fn show(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        check_site(&twin, &headers)?;
        let session = load(&twin, id).await?;
        Ok(render(&session, None, &Form::read(b"")?))
    };
    answer(shown.await)
}

async fn load(twin: &StripeTwin, id: String) -> Result<Object, StripeError> {
    twin.look("stripe_twin.checkout.load", move |desk| desk.get("checkout.session", &id)).await
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
        let form = Form::read(&body)?;
        match form.text("do") {
            Some("promotion") => apply_code(&twin, &id, &form).await,
            _ => pay(&twin, &id, &form).await,
        }
    };
    answer(sent.await)
}

async fn apply_code(twin: &StripeTwin, id: &str, form: &Form) -> Result<Response, StripeError> {
    let (session, code) = (id.to_owned(), form.or_empty("promotion_code"));
    let applied = twin.change("stripe_twin.checkout.code", move |desk| {
        let mut session = desk.get("checkout.session", &session)?;
        with_code(desk, &mut session, &code)
    });
    let error = applied.await.err();
    let session = load(twin, id.to_owned()).await?;
    Ok(render(&session, error.as_ref(), form))
}

async fn pay(twin: &StripeTwin, id: &str, form: &Form) -> Result<Response, StripeError> {
    let (session, entered) = (id.to_owned(), entered(form));
    let outcome =
        twin.change("stripe_twin.checkout.submit", move |desk| submit(desk, &session, &entered)).await;
    let session = load(twin, id.to_owned()).await?;
    match outcome {
        Ok(Next::Done) => Ok(redirect(&success_url(&session))),
        Ok(Next::Challenge(intent)) => {
            Ok(redirect(&twin.desk_parts().links.page(&format!("/challenge/{intent}"))))
        }
        Err(error) => Ok(render(&session, Some(&error), form)),
    }
}

fn entered(form: &Form) -> Entered {
    let tax_id = form
        .text("tax_id_value")
        .map(|value| (form.text("tax_id_type").unwrap_or("eu_vat").to_owned(), value.to_owned()));
    Entered {
        email: form.or_empty("email"),
        name: form.or_empty("name"),
        number: form.or_empty("number"),
        expiry: form.expiry("expiry"),
        country: form.text("country").unwrap_or("US").to_owned(),
        postal_code: form.or_empty("postal_code"),
        tax_id,
    }
}

/// Returns where a finished session leads, with its id where the caller wants it.
pub(super) fn success_url(session: &Object) -> String {
    session.text("success_url").unwrap_or_default().replace("{CHECKOUT_SESSION_ID}", session.id())
}

fn render(session: &Object, error: Option<&StripeError>, form: &Form) -> Response {
    if session.status() != "open" {
        return render_closed(session);
    }
    let title = match session.text("mode") {
        Some("subscription") => "Subscribe",
        Some("setup") => "Save your card",
        _ => "Pay",
    };
    let body = Html::new()
        .raw("<main class=\"split\"><section class=\"what\" aria-label=\"What you buy\">")
        .html(&summary(session))
        .html(&promotion(session))
        .html(&cancel_link(session))
        .raw("</section><section aria-label=\"Payment\">")
        .html(&complaint(error))
        .html(&card_form(session, form))
        .raw("</section></main>");
    let shown = page(title, &body);
    let target = Url::parse(&success_url(session));
    match target {
        Ok(target) => shown.form_may_reach(&target).into_response(),
        Err(_) => shown.into_response(),
    }
}

fn render_closed(session: &Object) -> Response {
    let (title, text) = match session.status() {
        "complete" => ("All done", "This checkout is finished already. You can close this page."),
        _ => ("This page has expired", "Go back to where you came from and begin again."),
    };
    let body = Html::new()
        .raw("<main class=\"card\"><h1>")
        .text(title)
        .raw("</h1><p>")
        .text(text)
        .raw("</p></main>");
    page(title, &body).into_response()
}

fn complaint(error: Option<&StripeError>) -> Html {
    match error {
        Some(error) => Html::new().raw("<p class=\"bad\" role=\"alert\">").text(error.message()).raw("</p>"),
        None => Html::new(),
    }
}

fn summary(session: &Object) -> Html {
    let currency = session.text("currency").unwrap_or("usd");
    let money = |amount: i64| for_people(amount, currency);
    let mut html = Html::new();
    if session.text("mode") == Some("setup") {
        return html.raw("<h1>Save a card for later</h1><p class=\"soft\">Nothing is charged now.</p>");
    }
    html = html.raw("<h1>").text(heading(session)).raw("</h1><p class=\"price\">");
    html = html.text(&money(session.amount("amount_total"))).raw("</p><ul class=\"lines\">");
    for item in session.list("line_items.data") {
        let item = Object::new(item.clone());
        html = html.raw("<li><span class=\"name\">").text(item.text("description").unwrap_or_default());
        html = html
            .raw("<br><span class=\"soft\">")
            .text(&rhythm(&item))
            .raw("</span></span><span class=\"amount\">");
        html = html.text(&money(item.amount("amount_subtotal"))).raw("</span></li>");
    }
    let off = session.amount("total_details.amount_discount");
    if off > 0 {
        html = html
            .raw("<li><span>Discount</span><span class=\"amount\">")
            .text(&money(-off))
            .raw("</span></li>");
    }
    html = html.raw("<li class=\"sum\"><span>Due today</span><span class=\"amount\">");
    html.text(&money(session.amount("amount_total"))).raw("</span></li></ul>")
}

fn heading(session: &Object) -> &'static str {
    let trial = session.int("_subscription_data.trial_period_days").is_some();
    match session.text("mode") {
        Some("subscription") if trial => "Start your free trial",
        Some("subscription") => "Subscribe",
        _ => "Your order",
    }
}

fn rhythm(item: &Object) -> String {
    let quantity = item.int("quantity").unwrap_or(1);
    let each = for_people(item.amount("price.unit_amount"), item.text("currency").unwrap_or_default());
    let times = if quantity == 1 { String::new() } else { format!("{quantity} × {each}, ") };
    match (item.text("price.recurring.interval"), item.int("price.recurring.interval_count")) {
        (Some(interval), Some(1)) => format!("{times}billed every {interval}"),
        (Some(interval), Some(count)) => format!("{times}billed every {count} {interval}s"),
        _ => format!("{times}once"),
    }
}

fn promotion(session: &Object) -> Html {
    if !session.flag("allow_promotion_codes") {
        return Html::new();
    }
    Html::new().raw(
        "<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"promotion\">\
         <label for=\"promotion_code\">Promotion code</label><div class=\"row\">\
         <input id=\"promotion_code\" name=\"promotion_code\" autocomplete=\"off\" required>\
         <button class=\"quiet\">Apply</button></div></form>",
    )
}

fn cancel_link(session: &Object) -> Html {
    let Some(target) = session.text("cancel_url") else { return Html::new() };
    Html::new().raw("<p><a href=\"").text(target).raw("\">← Go back</a></p>")
}

fn card_form(session: &Object, form: &Form) -> Html {
    let email = form.text("email").or(session.text("customer_email")).unwrap_or_default();
    let fixed = session.text("customer_email").is_some();
    let mut html = Html::new().raw("<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"pay\">");
    html = html.raw("<label for=\"email\">Email</label><input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required");
    html = html.raw(if fixed { " readonly" } else { "" }).raw(" value=\"").text(email).raw("\">");
    html = html.raw(
        "<label for=\"number\">Card number</label>\
         <input id=\"number\" name=\"number\" inputmode=\"numeric\" autocomplete=\"cc-number\" placeholder=\"4242 4242 4242 4242\" required>\
         <div class=\"pair\"><div><label for=\"expiry\">Expiry</label>\
         <input id=\"expiry\" name=\"expiry\" autocomplete=\"cc-exp\" placeholder=\"MM / YY\" required value=\"",
    );
    html = html.text(form.text("expiry").unwrap_or_default()).raw(
        "\"></div><div><label for=\"cvc\">CVC</label>\
         <input id=\"cvc\" name=\"cvc\" inputmode=\"numeric\" autocomplete=\"cc-csc\" placeholder=\"123\" required></div></div>\
         <label for=\"name\">Name on card</label><input id=\"name\" name=\"name\" autocomplete=\"cc-name\" required value=\"",
    );
    html = html
        .text(form.text("name").unwrap_or_default())
        .raw("\">")
        .html(&address(form))
        .html(&tax_ids(session));
    html = html.raw("<button class=\"wide\">").text(&button(session)).raw("</button></form>");
    html.raw(TEST_CARDS)
}

fn address(form: &Form) -> Html {
    Html::new()
        .raw(
            "<div class=\"pair\"><div><label for=\"country\">Country</label>\
             <input id=\"country\" name=\"country\" autocomplete=\"country\" maxlength=\"2\" value=\"",
        )
        .text(form.text("country").unwrap_or("US"))
        .raw(
            "\"></div><div><label for=\"postal_code\">Postal code</label>\
             <input id=\"postal_code\" name=\"postal_code\" autocomplete=\"postal-code\" value=\"",
        )
        .text(form.text("postal_code").unwrap_or_default())
        .raw("\"></div></div>")
}

fn tax_ids(session: &Object) -> Html {
    if !session.flag("tax_id_collection.enabled") {
        return Html::new();
    }
    Html::new().raw(
        "<div class=\"pair\"><div><label for=\"tax_id_type\">Tax id</label><select id=\"tax_id_type\" name=\"tax_id_type\">\
         <option value=\"eu_vat\">EU VAT</option><option value=\"gb_vat\">UK VAT</option><option value=\"us_ein\">US EIN</option>\
         <option value=\"ch_vat\">Swiss VAT</option></select></div><div><label for=\"tax_id_value\">Number</label>\
         <input id=\"tax_id_value\" name=\"tax_id_value\" autocomplete=\"off\"></div></div>",
    )
}

fn button(session: &Object) -> String {
    let amount = for_people(session.amount("amount_total"), session.text("currency").unwrap_or("usd"));
    match session.text("mode") {
        Some("setup") => "Save card".to_owned(),
        Some("subscription") if session.amount("amount_total") == 0 => "Start".to_owned(),
        Some("subscription") => format!("Subscribe for {amount}"),
        _ => format!("Pay {amount}"),
    }
}

/// What to type, for whoever tries the purchase out.
const TEST_CARDS: &str = "<details><summary>Test cards</summary><div class=\"scroll\"><table>\
<tr><th>Number</th><th>What happens</th></tr>\
<tr><td class=\"id\">4242 4242 4242 4242</td><td>succeeds</td></tr>\
<tr><td class=\"id\">4000 0025 0000 3155</td><td>asks for 3-D Secure</td></tr>\
<tr><td class=\"id\">4000 0000 0000 0002</td><td>is declined</td></tr>\
<tr><td class=\"id\">4000 0000 0000 9995</td><td>has insufficient funds</td></tr>\
<tr><td class=\"id\">4000 0000 0000 0341</td><td>is kept, but every payment fails</td></tr>\
<tr><td class=\"id\">4000 0000 0000 0259</td><td>succeeds and is disputed</td></tr>\
</table></div><p class=\"soft\">Any future expiry, any CVC.</p></details>";
