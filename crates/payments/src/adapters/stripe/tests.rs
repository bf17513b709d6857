//! What is sent to Stripe, and what is read from it.

pub(crate) mod recorded;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use quoin_kernel::{Secret, Timestamp};
use quoin_web::outbound::OutboundAnswer;
use serde_json::{Value, json};
use uuid::Uuid;

use super::form::Call;
use super::{answer, client, event, paid, pause, request, schedule, signature, steps};
use crate::model::command::{
    ChangeSubscription, CreditNoteCommand, PublishPrice, ScheduleChange, StartCheckout,
};
use crate::model::{Command, Interval, ObjectKind, ObjectRef, Outcome, Status};
use crate::port::{IntentKey, InvalidAnnouncement, ProviderError};

fn body(call: &Call) -> String {
    call.form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
}

fn checkout() -> StartCheckout {
    StartCheckout {
        checkout_id: Uuid::nil(),
        subject: "org:1".into(),
        customer: "cus_1".into(),
        price: "price_1".into(),
        quantity: 3,
        metered_prices: vec!["price_m".into()],
        trial_days: 14,
        plan_id: "pro".into(),
        plan_version: 2,
        promotion: None,
        collect_tax_id: true,
        success_url: "https://app.example.com/?s={CHECKOUT_SESSION_ID}".into(),
        cancel_url: "https://app.example.com/".into(),
        expires_at_s: 1000,
    }
}

#[test]
fn a_checkout_says_who_pays_for_what_and_until_when() {
    let call = request::start_checkout(&checkout());
    assert_eq!(call.path, "/v1/checkout/sessions");
    let sent = body(&call);
    for part in [
        "mode=subscription",
        "customer=cus_1",
        "client_reference_id=org:1",
        "line_items[0][price]=price_1",
        "line_items[0][quantity]=3",
        "line_items[1][price]=price_m",
        "subscription_data[trial_period_days]=14",
        "subscription_data[metadata][quoin_subject]=org:1",
        "subscription_data[metadata][quoin_plan_version]=2",
        "expires_at=1000",
        "tax_id_collection[enabled]=true",
        "allow_promotion_codes=true",
    ] {
        assert!(sent.contains(part), "{part} is missing in\n{sent}");
    }
    assert!(!sent.contains("line_items[1][quantity]"), "a metered price has no quantity");
    let with_code = StartCheckout { promotion: Some("promo_1".into()), ..checkout() };
    let sent = body(&request::start_checkout(&with_code));
    assert!(sent.contains("discounts[0][promotion_code]=promo_1") && !sent.contains("allow_promotion_codes"));
    assert!(call.encoded().contains("line_items%5B0%5D%5Bprice%5D=price_1"));
}

#[test]
fn an_id_from_elsewhere_cannot_leave_its_place_in_the_path() {
    let object = ObjectRef::new(ObjectKind::Subscription, "../customers/cus_1?x=");
    let path = request::fetch(&object).path;
    assert_eq!(path, "/v1/subscriptions/..%2Fcustomers%2Fcus_1%3Fx%3D");
}

#[test]
fn a_change_keeps_the_item_and_a_price_has_its_key_for_ever() {
    let change = ChangeSubscription {
        subscription: "sub_1".into(),
        item: "si_1".into(),
        customer: "cus_1".into(),
        price: "price_2".into(),
        metered_prices: None,
        quantity: 5,
        plan_id: "team".into(),
        plan_version: 1,
        prorate: false,
        paid_first: false,
        ends_trial: false,
    };
    let sent = body(&request::change(&change, &[]));
    assert!(sent.contains("items[0][id]=si_1") && sent.contains("proration_behavior=none"), "{sent}");
    assert!(!sent.contains("payment_behavior"), "{sent}");
    let preview = request::preview(&change, &[]);
    assert!(body(&preview).contains("subscription_details[items][0][price]=price_2"));
    let paid = ChangeSubscription { prorate: true, paid_first: true, ..change };
    let sent = body(&request::change(&paid, &[]));
    assert!(sent.contains("proration_behavior=always_invoice"), "{sent}");
    assert!(sent.contains("payment_behavior=error_if_incomplete"), "{sent}");
    assert!(body(&request::preview(&paid, &[])).contains("[proration_behavior]=always_invoice"));
    assert!(!sent.contains("trial_end"), "{sent}");
    let tried = ChangeSubscription { ends_trial: true, ..paid };
    assert!(body(&request::change(&tried, &[])).contains("\ntrial_end=now"));
    assert!(body(&request::preview(&tried, &[])).contains("subscription_details[trial_end]=now"));
    let price = PublishPrice {
        price_id: Uuid::nil(),
        product: "prod".into(),
        interval: Some(Interval::Year),
        interval_count: 1,
        amount: 9900,
        currency: "eur".parse().unwrap(),
        trial_days: 0,
        per_seat: false,
        meter: None,
    };
    let sent = body(&request::create_price(&price, Some("mtr_1")));
    assert!(sent.contains("lookup_key=quoin_00000000000000000000000000000000"), "{sent}");
    assert!(sent.contains("recurring[interval]=year") && sent.contains("recurring[meter]=mtr_1"), "{sent}");
}

/// A subscription as version 2026-10-28.endive writes it: periods stand on the items.
fn subscription() -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "past_due", "livemode": false,
        "start_date": 1_700_000_000, "created": 1_700_000_000, "cancel_at": null, "cancel_at_period_end": true,
        "canceled_at": 1_700_000_100, "ended_at": null, "trial_end": null, "pause_collection": null,
        "discounts": [{"id": "di_1", "source": {"type": "coupon", "coupon": "SUMMER"}}],
        "latest_invoice": {"id": "in_1", "created": 1_700_000_500, "effective_at": 1_700_000_600, "status": "open"},
        "metadata": {"quoin_plan": "pro"},
        "items": {"object": "list", "data": [
            {"id": "si_1", "created": 1_700_000_000, "quantity": 4, "current_period_start": 1_700_000_000,
             "current_period_end": 1_702_592_000,
             "price": {"id": "price_1", "product": "prod_1", "unit_amount": 1900, "currency": "usd",
                "recurring": {"interval": "month", "usage_type": "licensed"}}},
            {"id": "si_2", "created": 1_700_000_000, "current_period_start": 1_700_000_000,
             "current_period_end": 1_702_592_000,
             "price": {"id": "price_m", "product": "prod_1", "unit_amount": 1, "currency": "usd",
                "recurring": {"interval": "month", "usage_type": "metered"}}},
        ]},
    })
}

#[test]
fn a_subscription_is_read_from_its_items() {
    let one = answer::subscription(&subscription()).unwrap();
    assert_eq!((one.status, one.items.len(), one.items[0].quantity), (Status::PastDue, 2, 4));
    assert!(one.items[1].metered && !one.items[0].metered);
    assert_eq!(one.cancel_at, one.items[0].period_end);
    assert_eq!(one.unpaid_since.unwrap().as_seconds(), 1_700_000_600);
    assert_eq!(one.discount.as_deref(), Some("SUMMER"));
    let mut lying = subscription();
    lying["status"] = json!("excellent");
    assert!(matches!(answer::subscription(&lying), Err(ProviderError::Garbled(_))));
    let mut paid = subscription();
    paid["status"] = json!("active");
    assert_eq!(answer::subscription(&paid).unwrap().unpaid_since, None);
}

#[test]
fn an_invoice_names_its_subscription_where_this_version_has_it() {
    let invoice = answer::invoice(&json!({
        "id": "in_1", "customer": "cus_1", "currency": "usd", "status": "paid", "number": "A-1", "subtotal": 1900, "total": 1900,
        "amount_paid": 1900, "amount_remaining": 0, "created": 1_700_000_000, "livemode": false,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "status_transitions": {"finalized_at": 1_700_000_010, "paid_at": 1_700_000_020},
        "lines": {"data": [{"amount": 1900, "description": "Pro", "quantity": 1, "period": {"start": 1, "end": 2},
            "parent": {"subscription_item_details": {"proration": true}}}]},
    }))
    .unwrap();
    assert_eq!(invoice.subscription.as_deref(), Some("sub_1"));
    assert_eq!(invoice.paid_at.unwrap().as_seconds(), 1_700_000_020);
    assert!(invoice.lines[0].proration);
}

fn read(status: u16, body: &Value) -> Result<Value, ProviderError> {
    let status = StatusCode::from_u16(status).unwrap();
    client::read(&OutboundAnswer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_string()) })
}

#[test]
fn answers_are_sorted_into_done_refused_and_try_again() {
    let error =
        |code: &str| json!({"error": {"type": "invalid_request_error", "code": code, "message": "No."}});
    assert!(read(200, &json!({"id": "x"})).is_ok());
    assert!(
        matches!(read(404, &error("resource_missing")), Err(ProviderError::Refused { code, .. }) if code == "resource_missing")
    );
    assert!(matches!(read(402, &error("card_declined")), Err(ProviderError::Declined { .. })));
    assert!(matches!(read(409, &error("idempotency_key_in_use")), Err(ProviderError::Busy)));
    for status in [409, 429, 500, 503] {
        assert!(
            matches!(read(status, &error("lock_timeout")), Err(ProviderError::Unavailable(_))),
            "{status}"
        );
    }
    assert!(matches!(read(401, &error("api_key_expired")), Err(ProviderError::Unauthorized)));
    assert!(matches!(read(418, &json!({})), Err(ProviderError::Garbled(_))));
}

#[test]
fn an_outcome_is_a_page_or_an_object() {
    let page =
        steps::outcome(&Command::StartCheckout(checkout()), &json!({"id": "cs_1", "url": "https://x"}))
            .unwrap();
    assert_eq!(page, Outcome::Page { id: Some("cs_1".into()), url: "https://x".into() });
    let resume = Command::ResumeSubscription { subscription: "sub_1".into() };
    assert_eq!(
        steps::outcome(&resume, &json!({"id": "sub_1"})).unwrap(),
        Outcome::Object { id: "sub_1".into() }
    );
    assert!(steps::outcome(&resume, &json!({})).is_err());
    let key = IntentKey { intent: Uuid::nil(), key: "k".into() };
    assert!(body(&request::search_customer(&key)).contains("metadata['quoin_intent']:'00000000"));
}

fn announced(kind: &str, object: &Value) -> Vec<ObjectRef> {
    let body = json!({"id": "evt", "object": "event", "type": kind, "created": 1, "livemode": false, "data": {"object": object}});
    event::read(body.to_string().as_bytes(), false, None).unwrap().objects
}

#[test]
fn an_event_is_news_of_its_object_and_of_what_hangs_on_it() {
    let invoice = json!({"id": "in_1", "parent": {"subscription_details": {"subscription": "sub_1"}}});
    let found = announced("invoice.payment_failed", &invoice);
    assert_eq!(
        found,
        [ObjectRef::new(ObjectKind::Invoice, "in_1"), ObjectRef::new(ObjectKind::Subscription, "sub_1")]
    );
    let session = json!({"id": "cs_1", "subscription": {"id": "sub_1"}, "invoice": null});
    assert_eq!(announced("checkout.session.completed", &session).len(), 2);
    assert_eq!(
        announced("price.updated", &json!({"id": "price_1", "product": "prod_1"})),
        [ObjectRef::new(ObjectKind::Product, "prod_1")]
    );
    assert_eq!(
        announced("charge.dispute.created", &json!({"id": "dp_1"})),
        [ObjectRef::new(ObjectKind::Dispute, "dp_1")]
    );
    assert!(announced("customer.created", &json!({"id": "cus_1"})).is_empty());
    assert!(announced("customer.subscription.deleted", &json!({"id": ""})).is_empty());
}

#[test]
fn an_empty_secret_among_several_turns_belief_off() {
    let secrets = [Secret::new("whsec_good".to_owned()), Secret::new(String::new())];
    let now = Timestamp::from_micros(0);
    assert_eq!(
        signature::verify(Some("t=0,v1=00"), b"{}", &secrets, now),
        Err(InvalidAnnouncement::NoSecret)
    );
    assert_eq!(signature::verify(None, b"{}", &secrets[..1], now), Err(InvalidAnnouncement::NoSignature));
}

#[test]
fn of_refused_reports_only_those_count_as_told_that_leave_nothing_to_tell() {
    let refused = |code: &str| {
        steps::reported(Err(ProviderError::Refused { code: code.to_owned(), message: String::new() }))
    };
    for code in ["no_meter", "duplicate_meter_event"] {
        assert!(matches!(refused(code), Ok(Outcome::Nothing)), "{code}");
    }
    for code in ["resource_missing", "idempotency_error", "parameter_invalid_integer", ""] {
        assert!(matches!(refused(code), Err(ProviderError::Refused { .. })), "{code}");
    }
    assert!(matches!(steps::reported(Ok(json!({}))), Ok(Outcome::Nothing)));
}

fn on_schedule(subscription: &Value, quantity_now: i64, metered: Option<&[&str]>) -> String {
    let schedule = json!({"id": "sub_sched_1", "current_phase": {"start_date": 100, "end_date": 900}});
    let change = ChangeSubscription {
        subscription: "sub_1".into(),
        item: "si_1".into(),
        customer: "cus_1".into(),
        price: "price_small".into(),
        metered_prices: metered.map(|prices| prices.iter().map(|price| (*price).into()).collect()),
        quantity: 2,
        plan_id: "solo".into(),
        plan_version: 4,
        prorate: true,
        paid_first: false,
        ends_trial: false,
    };
    let wish = ScheduleChange { change, quantity_now, interval: Interval::Year, interval_count: 1 };
    body(&schedule::write_phases(&schedule, subscription, &wish).unwrap())
}

#[test]
fn a_change_at_the_end_of_the_period_is_a_second_phase_that_keeps_the_rest() {
    let subscription = json!({"id": "sub_1", "status": "trialing", "trial_end": 800, "discounts": ["di_1"],
    "items": {"data": [
        {"id": "si_1", "quantity": 5, "price": {"id": "price_big"}, "current_period_end": 800},
        {"id": "si_2", "price": {"id": "price_metered"}, "current_period_end": 800},
    ]}});
    let sent = on_schedule(&subscription, 5, None);
    for part in [
        "phases[0][start_date]=100",
        "phases[0][end_date]=800",
        "phases[0][trial_end]=800",
        "phases[0][items][0][price]=price_big",
        "phases[0][items][0][quantity]=5",
        "phases[0][discounts][0][discount]=di_1",
        "phases[1][items][0][price]=price_small",
        "phases[1][items][0][quantity]=2",
        "phases[1][items][1][price]=price_metered",
        "phases[1][discounts][0][discount]=di_1",
        "phases[1][duration][interval]=year",
        "phases[1][proration_behavior]=none",
        "phases[1][metadata][quoin_plan]=solo",
        "end_behavior=release",
    ] {
        assert!(sent.contains(part), "{part} is missing in\n{sent}");
    }
    assert!(!sent.contains("[items][1][quantity]"), "a metered price has no quantity\n{sent}");
    assert!(on_schedule(&subscription, 7, None).contains("phases[0][items][0][quantity]=7"));
}

/// A subscription with a price in advance and two metered ones.
fn metered_subscription() -> Value {
    let metered = |id: &str, price: &str| json!({"id": id, "price": {"id": price, "recurring": {"usage_type": "metered"}}, "current_period_end": 800});
    json!({"id": "sub_1", "status": "active", "items": {"data": [
        metered("si_2", "price_old"),
        {"id": "si_1", "quantity": 5, "price": {"id": "price_big", "recurring": {"usage_type": "licensed"}}},
        metered("si_3", "price_both"),
    ]}})
}

#[test]
fn a_change_deletes_what_only_the_old_plan_meters_and_adds_what_only_the_new_one_does() {
    let subscription = metered_subscription();
    let wish = |metered_prices: Option<Vec<String>>| ChangeSubscription {
        subscription: "sub_1".into(),
        item: "si_1".into(),
        customer: "cus_1".into(),
        price: "price_small".into(),
        metered_prices,
        quantity: 2,
        plan_id: "solo".into(),
        plan_version: 4,
        prorate: true,
        paid_first: false,
        ends_trial: false,
    };
    let present = answer::rows(&subscription["items"]);
    let items = |call: &super::form::Call| {
        let named = call.form.iter().filter_map(|(name, value)| {
            let (_, item) = name.split_once("items]").or(name.split_once("items"))?;
            Some(format!("{item}={value}"))
        });
        named.collect::<Vec<_>>()
    };
    let other = wish(Some(vec!["price_both".into(), "price_new".into()]));
    let wanted = [
        "[0][id]=si_1",
        "[0][price]=price_small",
        "[0][quantity]=2",
        "[1][id]=si_2",
        "[1][deleted]=true",
        "[2][price]=price_new",
    ];
    assert_eq!(items(&request::change(&other, present)), wanted);
    assert_eq!(items(&request::preview(&other, present)), wanted, "it is previewed as it is done");
    let none = wish(Some(Vec::new()));
    let gone = ["[1][id]=si_2", "[1][deleted]=true", "[2][id]=si_3", "[2][deleted]=true"];
    assert_eq!(items(&request::change(&none, present))[3..], gone);
    assert_eq!(items(&request::change(&wish(None), present)), wanted[..3], "what is metered stays");
}

#[test]
fn the_second_phase_meters_what_the_new_plan_meters_and_lets_nothing_used_go_unbilled() {
    let subscription = metered_subscription();
    let sent = on_schedule(&subscription, 5, Some(&["price_both", "price_new"]));
    let prices = |phase: usize| -> Vec<String> {
        let lines = sent.lines().filter(|line| line.starts_with(&format!("phases[{phase}][items]")));
        lines
            .filter(|line| line.contains("[price]"))
            .map(|line| line.split_once('=').unwrap().1.into())
            .collect()
    };
    assert_eq!(prices(0), ["price_old", "price_big", "price_both"]);
    assert_eq!(prices(1), ["price_small", "price_both", "price_new"]);
    assert_eq!(sent.matches("[quantity]").count(), 2, "a metered price has no quantity\n{sent}");
    assert!(sent.contains("phases[1][proration_behavior]=create_prorations"), "{sent}");
    let stays = on_schedule(&subscription, 5, Some(&["price_old", "price_both"]));
    assert!(stays.contains("phases[1][proration_behavior]=none"), "{stays}");
}

#[test]
fn what_waits_is_read_from_the_phase_after_the_present_one() {
    let phase = |start: i64, end: i64, price: &str| {
        json!({"start_date": start, "end_date": end, "items": [{"price": "price_m"}, {"price": price, "quantity": 3}],
            "metadata": {"quoin_plan_version": "4"}})
    };
    let read = |schedule: Value| {
        let item = |id: &str, price: &str, usage: &str| {
            json!({"id": id, "quantity": 1, "created": 1, "price": {"id": price, "product": "prod_1", "currency": "usd",
                "unit_amount": 100, "recurring": {"usage_type": usage}}})
        };
        let value = json!({"id": "sub_1", "customer": "cus_1", "status": "active", "created": 1, "schedule": schedule,
            "items": {"data": [item("si_1", "price_a", "licensed"), item("si_2", "price_m", "metered")]}});
        answer::subscription(&value).unwrap().waiting
    };
    let phases = json!([phase(0, 100, "price_a"), phase(100, 200, "price_b")]);
    let at = |start: i64, end: i64, status: &str| {
        json!({"id": "sub_sched_1", "status": status, "phases": phases,
            "current_phase": {"start_date": start, "end_date": end}})
    };
    let waiting = read(at(0, 100, "active")).unwrap();
    assert_eq!((waiting.price.as_str(), waiting.quantity, waiting.at.as_seconds()), ("price_b", 3, 100));
    assert_eq!(read(at(100, 200, "active")), None, "it has happened");
    assert_eq!(read(at(0, 100, "released")), None);
    assert_eq!(read(json!("sub_sched_1")), None);
    assert_eq!(read(Value::Null), None);
}

#[test]
fn a_credit_note_says_how_it_is_given_back_and_is_read_with_the_sign_turned() {
    let key = IntentKey { intent: Uuid::nil(), key: "k".into() };
    let wish = CreditNoteCommand {
        invoice: "in_1".into(),
        amount: 900,
        refund: 0,
        balance: 900,
        out_of_band: 0,
        reason: Some("duplicate".into()),
        memo: None,
    };
    let sent = body(&request::credit_note(&wish, &key));
    assert!(sent.contains("invoice=in_1\namount=900\ncredit_amount=900\nreason=duplicate"), "{sent}");
    assert!(!sent.contains("refund_amount") && !sent.contains("memo"), "{sent}");
    let note = json!({"id": "cn_1", "invoice": "in_1", "number": "A-1-CN-01", "amount": 900, "currency": "usd",
        "reason": "duplicate", "memo": null, "status": "issued", "created": 5, "out_of_band_amount": null,
        "customer_balance_transaction": {"id": "cbtxn_1", "amount": -500},
        "refunds": [{"amount_refunded": 400, "refund": "re_1"}]});
    let read = answer::credit_note(&note).unwrap();
    assert_eq!(
        (read.credited, read.refunded, read.out_of_band, read.refunds),
        (500, 400, 0, vec!["re_1".into()])
    );
    let balance = |value: Value| answer::balance(&value).unwrap().map(|money| money.amount);
    assert_eq!(balance(json!({"balance": -500, "currency": "usd"})), Some(500));
    assert_eq!(balance(json!({"balance": 0, "currency": null})), None);
    assert_eq!(request::erase_customer("cus_1").method, http::Method::DELETE);
}

#[test]
fn a_pause_keeps_its_end_to_itself_and_a_new_period_is_paid_or_not_begun() {
    let sent = body(&pause::pause("sub_1", Some(1_700_000_000)));
    assert_eq!(sent, "pause_collection[behavior]=void\nmetadata[quoin_resumes_at]=1700000000");
    let sent = body(&pause::go_on("sub_1", false));
    assert_eq!(sent, "pause_collection=\nmetadata[quoin_resumes_at]=");
    let sent = body(&pause::go_on("sub_1", true));
    for part in
        ["billing_cycle_anchor=now", "proration_behavior=none", "payment_behavior=error_if_incomplete"]
    {
        assert!(sent.contains(part), "{part} is missing in {sent}");
    }
    let mut paused = subscription();
    paused["pause_collection"] = json!({"behavior": "void", "resumes_at": null});
    paused["metadata"]["quoin_resumes_at"] = "1700000000".into();
    let read = answer::subscription(&paused).unwrap();
    assert_eq!((read.paused, read.resumes_at.map(Timestamp::as_seconds)), (true, Some(1_700_000_000)));
    paused["pause_collection"] = Value::Null;
    assert_eq!(answer::subscription(&paused).unwrap().resumes_at, None);
}

#[test]
fn a_period_is_unpaid_where_all_that_asks_for_it_was_given_up() {
    let active = json!({"status": "active", "items": {"data": [{"current_period_start": 100}]}});
    let invoice = |status: &str, start: i64, proration: bool| {
        json!({"status": status, "auto_advance": false, "lines": {"data": [{"period": {"start": start},
            "parent": {"subscription_item_details": {"proration": proration}}}]}})
    };
    let unpaid = |invoices: &[Value]| pause::is_unpaid(&active, invoices);
    for given_up in ["void", "uncollectible", "draft"] {
        assert!(unpaid(&[invoice(given_up, 100, false), invoice("paid", 50, false)]), "{given_up}");
    }
    let mut comes = invoice("draft", 100, false);
    comes["auto_advance"] = true.into();
    assert!(!unpaid(&[comes]), "it is collected by itself");
    for asked in ["open", "paid"] {
        assert!(!unpaid(&[invoice("void", 100, false), invoice(asked, 100, false)]), "{asked}");
    }
    assert!(
        !unpaid(&[invoice("void", 100, true), invoice("void", 50, false)]),
        "none of them is for this period"
    );
    assert!(!unpaid(&[]));
    let trial = json!({"status": "trialing", "items": active["items"]});
    assert!(!pause::is_unpaid(&trial, &[invoice("void", 100, false)]));
}

#[test]
fn only_a_period_with_a_paid_invoice_is_evened_out() {
    let subscription = json!({"items": {"data": [{"id": "si_1", "price": {"id": "price_2"}, "quantity": 2,
        "current_period_start": 1000}]}});
    let invoice = |status: &str, start: i64, proration: bool| {
        json!({"status": status, "lines": {"data": [{"period": {"start": start},
            "parent": {"subscription_item_details": {"proration": proration}}}]}})
    };
    let owed = |invoices: &[Value]| paid::is_owed(&subscription, invoices);
    for status in ["draft", "open", "void", "uncollectible"] {
        assert!(owed(&[invoice(status, 1000, false)]), "{status}");
        assert!(owed(&[invoice("paid", 1000, true), invoice(status, 1000, false)]), "{status}");
        assert!(owed(&[invoice("paid", 500, false), invoice(status, 1000, false)]), "{status}");
        assert!(!owed(&[invoice("paid", 1000, false), invoice(status, 1000, false)]), "{status}");
    }
    assert!(!owed(&[]) && !owed(&[invoice("open", 500, false)]), "what is not known is as the status says");
    let wish = |price: &str, quantity| ChangeSubscription {
        subscription: "sub_1".into(),
        item: "si_1".into(),
        customer: "cus_1".into(),
        price: price.into(),
        metered_prices: None,
        quantity,
        plan_id: "team".into(),
        plan_version: 1,
        prorate: true,
        paid_first: false,
        ends_trial: false,
    };
    assert!(paid::only_adds(&subscription, &wish("price_2", 3)));
    assert!(!paid::only_adds(&subscription, &wish("price_2", 1)));
    assert!(!paid::only_adds(&subscription, &wish("price_3", 3)));
}
