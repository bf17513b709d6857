//! The dashboard's markup.

use quoin_web::page::{Html, Page};
use serde_json::Value;

use super::super::page;
use crate::billing::calendar::moment;
use crate::chaos::EXPLAINED;
use crate::object::Object;
use crate::store::deliveries::Delivery;

/// What the overview shows.
pub(super) struct State {
    pub(super) counts: Vec<(String, i64)>,
    pub(super) events: Vec<Object>,
    pub(super) clocks: Vec<Object>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) knob: Value,
    pub(super) dunning: String,
    pub(super) clock: Option<String>,
    pub(super) now: i64,
}

fn board(title: &str, inner: &Html) -> Page {
    let body =
        Html::new().raw("<main class=\"board\"><h1>").text(title).raw("</h1>").html(inner).raw("</main>");
    page(title, &body)
}

/// Shows everything at a glance.
pub(super) fn overview(state: &State) -> Page {
    let inner = Html::new()
        .raw("<p class=\"soft\">The real clock says ")
        .text(&moment(state.now))
        .raw(".</p><section><h2>Objects</h2><nav>")
        .html(&kinds(&state.counts))
        .raw("</nav></section>")
        .html(&clocks(&state.clocks, state.clock.as_deref()))
        .raw("<section><h2>Latest events</h2>")
        .html(&rows(&state.events))
        .raw("</section><section><h2>Latest deliveries</h2>")
        .html(&delivery_table(&state.deliveries))
        .raw("</section>")
        .html(&knobs(&state.knob))
        .html(&dunning(&state.dunning));
    board("Stripe twin", &inner)
}

fn kinds(counts: &[(String, i64)]) -> Html {
    if counts.is_empty() {
        return Html::new().raw("<span class=\"soft\">Nothing yet. Call <code>POST /v1/customers</code> with any <code>sk_test_…</code>.</span>");
    }
    counts.iter().fold(Html::new(), |html, (kind, count)| {
        let html = html.raw("<a href=\"/_twin/objects/").text(kind).raw("\">").text(kind);
        html.raw(" <strong>").text(&count.to_string()).raw("</strong></a>")
    })
}

fn clocks(clocks: &[Object], of_new_customers: Option<&str>) -> Html {
    if clocks.is_empty() {
        return Html::new();
    }
    let mut html = Html::new().raw("<section><h2>Test clocks</h2><div class=\"scroll\"><table><tr><th>Clock</th><th>Name</th><th>Time</th><th>State</th></tr>");
    for clock in clocks {
        html = html.raw("<tr><td class=\"id\">").html(&link(clock.id())).raw("</td><td>");
        html = html.text(clock.text("name").unwrap_or_default()).raw("</td><td>");
        html = html
            .text(&moment(clock.amount("frozen_time")))
            .raw("</td><td>")
            .text(clock.status())
            .raw("</td></tr>");
    }
    let who = |clock: &str| {
        Html::new().raw("<p class=\"soft\">Customers made without a clock live by ").text(clock)
    };
    html = html.raw("</table></div>").html(&who(of_new_customers.unwrap_or("the real one"))).raw(".</p>");
    html.raw("</section>")
}

fn link(id: &str) -> Html {
    Html::new().raw("<a href=\"/_twin/object/").text(id).raw("\">").text(id).raw("</a>")
}

/// Says in a few words what an object is.
fn about(object: &Object) -> String {
    let words = ["type", "email", "name", "nickname", "number", "code", "url", "description"];
    let word = words.iter().find_map(|name| object.text(name)).unwrap_or_default();
    let amount = ["total", "amount_total", "amount", "unit_amount"].iter().find_map(|name| object.int(name));
    match (amount, object.text("currency")) {
        (Some(amount), Some(currency)) => {
            format!("{word} {}", crate::billing::amounts::for_people(amount, currency))
        }
        _ => word.to_owned(),
    }
}

fn rows(objects: &[Object]) -> Html {
    if objects.is_empty() {
        return Html::new().raw("<p class=\"soft\">None yet.</p>");
    }
    let mut html = Html::new()
        .raw("<div class=\"scroll\"><table><tr><th>Id</th><th>What</th><th>State</th><th>Made</th></tr>");
    for object in objects {
        html =
            html.raw("<tr><td class=\"id\">").html(&link(object.id())).raw("</td><td>").text(&about(object));
        html = html.raw("</td><td>").text(object.status()).raw("</td><td>");
        html = html.text(&moment(object.amount("created"))).raw("</td></tr>");
    }
    html.raw("</table></div>")
}

fn delivery_table(deliveries: &[Delivery]) -> Html {
    if deliveries.is_empty() {
        return Html::new().raw("<p class=\"soft\">None yet: no endpoint wants events.</p>");
    }
    let mut html = Html::new().raw("<div class=\"scroll\"><table><tr><th>Event</th><th>Endpoint</th><th>State</th><th>Attempts</th><th>Last answer</th></tr>");
    for delivery in deliveries {
        let good = delivery.last_status.is_some_and(|status| (200..300).contains(&status));
        let state = match (good, delivery.due_at_ms, delivery.fault.as_deref()) {
            (true, ..) => "delivered",
            (false, None, Some(_)) => "dropped",
            (false, None, None) => "given up",
            (false, Some(_), _) => "waiting",
        };
        html =
            html.raw("<tr><td class=\"id\">").html(&link(&delivery.event_id)).raw("</td><td class=\"id\">");
        html = html.html(&link(&delivery.endpoint_id)).raw("</td><td><span class=\"tag ");
        html = html.raw(if good { "good" } else { "wrong" }).raw("\">").text(state).raw("</span></td><td>");
        html = html.text(&delivery.attempts.to_string()).raw("</td><td>");
        let status = delivery.last_status.map(|status| status.to_string()).unwrap_or_default();
        let answer: String = delivery.last_answer.as_deref().unwrap_or_default().chars().take(80).collect();
        html = html.text(&status).raw(" ").text(&answer).raw("</td></tr>");
    }
    html.raw("</table></div>")
}

fn knobs(knob: &Value) -> Html {
    let mut html = Html::new().raw(
        "<section><h2>Chaos</h2><p class=\"soft\">What goes wrong on purpose, in per cent of the occasions.</p>\
         <form method=\"post\" action=\"/_twin/chaos\"><div class=\"knobs\">",
    );
    for (name, what, per_cent) in EXPLAINED {
        let value = knob[*name].as_str().map_or_else(|| knob[*name].to_string(), str::to_owned);
        html = html.raw("<label for=\"").text(name).raw("\">").text(name).raw(if *per_cent {
            " (%)"
        } else {
            ""
        });
        html = html
            .raw("<span class=\"soft\">")
            .text(what)
            .raw("</span><input id=\"")
            .text(name)
            .raw("\" name=\"")
            .text(name);
        html = html.raw("\" value=\"").text(&value).raw("\"></label>");
    }
    html.raw(
        "</div><p class=\"row\"><button>Turn</button> <button class=\"quiet\" name=\"reset\" value=\"1\">Put to rest</button></p></form></section>",
    )
}

fn dunning(rule: &str) -> Html {
    let mut html = Html::new().raw(
        "<section><h2>Dunning</h2><form method=\"post\" action=\"/_twin/dunning\"><div class=\"row\"><div>\
         <label for=\"after_retries\">After the last attempt to collect, a subscription is</label>\
         <select id=\"after_retries\" name=\"after_retries\">",
    );
    for (value, words) in [("cancel", "canceled"), ("unpaid", "marked unpaid"), ("past_due", "left past due")]
    {
        html = html.raw("<option value=\"").text(value).raw("\"").raw(if rule == value {
            " selected>"
        } else {
            ">"
        });
        html = html.text(words).raw("</option>");
    }
    html.raw("</select></div><button>Set</button></div></form></section>")
}

/// Shows the newest objects of a kind.
pub(super) fn list(kind: &str, objects: &[Object]) -> Page {
    let inner = Html::new()
        .raw("<p><a href=\"/_twin\">← Stripe twin</a></p><section>")
        .html(&rows(objects))
        .raw("</section>");
    board(kind, &inner)
}

/// Shows one object, and for an event how its deliveries went.
pub(super) fn object(object: &Object, shown: &Value, deliveries: &[Delivery]) -> Page {
    let text = serde_json::to_string_pretty(shown).unwrap_or_default();
    let mut inner = Html::new().raw("<p><a href=\"/_twin\">← Stripe twin</a> · <a href=\"/_twin/objects/");
    inner = inner.text(object.kind()).raw("\">").text(object.kind()).raw("</a></p>");
    if object.kind() == "event" {
        inner = inner.raw("<section><h2>Deliveries</h2>").html(&delivery_table(deliveries));
        inner = inner.raw("<form method=\"post\" action=\"/_twin/resend\">").hidden("event", object.id());
        inner = inner.raw("<p><button class=\"quiet\">Send again</button></p></form></section>");
    }
    inner = inner.raw("<section><pre tabindex=\"0\">").text(&text).raw("</pre></section>");
    board(object.id(), &inner)
}
