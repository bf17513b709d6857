//! Plans: made, changed, grandfathered, adopted, compared with a file.

use serde_json::json;

use super::harness::{House, in_house};
use crate::model::remote::{RemotePrice, RemoteProduct};
use crate::model::{Entitlement, Interval, Limit, Mode, NewPlan, ObjectKind, ObjectRef, PlanSource, Price};
use crate::service::manage_plans::PlanChange;
use crate::service::start_checkout::Order;
use crate::{Payments, PaymentsError};

async fn plan(room: &Payments, id: &str) -> crate::model::Plan {
    room.list_plans(true).await.unwrap().into_iter().find(|plan| plan.id.as_str() == id).unwrap()
}

#[tokio::test]
async fn a_new_plan_is_seen_at_once_and_known_to_the_provider() {
    in_house(|house| async move {
        house.pro().await;
        let plan = plan(&house.room, "pro").await;
        assert!(plan.published_at.is_some());
        assert!(plan.prices[0].remote_id.is_some());
        let product = house.provider.with(|books| books.products.values().next().cloned()).unwrap();
        assert_eq!((product.name.as_str(), product.prices.len()), ("Pro", 1));
        let again = serde_json::from_value(json!({"id": "pro", "name": "Another"})).unwrap();
        let refused = house.room.create_plan(again, house.entry()).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::PlanExists), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_kept_while_the_provider_is_down_and_published_later_once() {
    in_house(|house| async move {
        use super::provider::Trouble::{After, Before};
        *house.provider.troubles.lock().unwrap() = vec![After, Before];
        house.pro().await;
        assert!(plan(&house.room, "pro").await.published_at.is_none());
        let id = "pro".parse().unwrap();
        // The first try fails before, the second after the product was made; the third finds it.
        assert!(crate::service::publish_plan::publish(&house.room, &id).await.is_err());
        crate::service::publish_plan::publish(&house.room, &id).await.unwrap();
        assert!(plan(&house.room, "pro").await.published_at.is_some());
        assert_eq!(
            house
                .provider
                .with(|books| (books.products.len(), books.products.values().next().unwrap().prices.len())),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_has_bought_a_plan_keeps_what_they_bought() {
    in_house(|house| async move {
        house.pro().await;
        let (early, late) = (house.org(), house.org());
        house.subscribe(early, "pro").await;
        let less = Entitlement::Limit(Limit { limit: Some(1), mode: Mode::Hard, per: None });
        let change = PlanChange {
            entitlements: Some([("projects".to_owned(), less)].into()),
            ..PlanChange::default()
        };
        let id = "pro".parse().unwrap();
        assert_eq!(house.room.change_plan(&id, change.clone(), house.entry()).await.unwrap().version, 2);
        house.subscribe(late, "pro").await;
        let had = house.room.entitlements(early).await.unwrap();
        let has = house.room.entitlements(late).await.unwrap();
        assert_eq!(had.entitlements["projects"]["limit"], 3);
        assert_eq!(had.entitlements["export"], true);
        assert_eq!(has.entitlements["projects"]["limit"], 1);
        let change = PlanChange { for_everybody: true, ..change };
        house
            .room
            .change_plan(
                &id,
                PlanChange {
                    entitlements: Some([("projects".to_owned(), less_than_less())].into()),
                    ..change
                },
                house.entry(),
            )
            .await
            .unwrap();
        assert_eq!(house.room.entitlements(early).await.unwrap().entitlements["projects"]["limit"], 0);
    })
    .await;
}

fn less_than_less() -> Entitlement {
    Entitlement::Limit(Limit { limit: Some(0), mode: Mode::Hard, per: None })
}

#[tokio::test]
async fn another_amount_is_another_price_and_the_old_one_is_archived() {
    in_house(|house| async move {
        house.pro().await;
        let prices =
            serde_json::from_value(json!([{"interval": "month", "amount": 2900, "currency": "usd"}]))
                .unwrap();
        let change = PlanChange { prices: Some(prices), ..PlanChange::default() };
        house.room.change_plan(&"pro".parse().unwrap(), change, house.entry()).await.unwrap();
        let prices = house.provider.with(|books| books.products.values().next().unwrap().prices.clone());
        let seen: Vec<_> = prices.iter().map(|price| (price.amount, price.active)).collect();
        assert_eq!(seen, [(1900, false), (2900, true)]);
    })
    .await;
}

#[tokio::test]
async fn what_the_team_makes_at_the_provider_becomes_a_plan() {
    in_house(|house| async move {
        house.pro().await;
        let product = RemoteProduct {
            id: "prod_theirs".into(),
            name: "Pro".into(),
            description: None,
            active: true,
            live: false,
            metadata: [("entitlements".to_owned(), r#"{"projects": {"limit": 9}}"#.to_owned())].into(),
            prices: vec![RemotePrice {
                id: "price_theirs".into(),
                interval: Some(Interval::Year),
                interval_count: 1,
                amount: 9900,
                currency: "eur".parse().unwrap(),
                active: true,
                metered: false,
                trial_days: 0,
                metadata: [].into(),
            }],
        };
        house.provider.with(|books| books.products.insert("prod_theirs".into(), product));
        house.hear(ObjectKind::Product, "prod_theirs").await;
        house
            .room
            .fetch_object(&house.port(), &ObjectRef::new(ObjectKind::Product, "prod_theirs"))
            .await
            .unwrap();
        let plan = plan(&house.room, "pro-2").await;
        assert_eq!((plan.source, plan.prices[0].amount), (PlanSource::Provider, 9900));
        assert!(plan.entitlements.contains_key("projects"));
        let org = house.org();
        house.subscribe(org, "pro-2").await;
        assert_eq!(house.room.entitlements(org).await.unwrap().entitlements["projects"]["limit"], 9);
    })
    .await;
}

/// A price that somebody made at the provider.
fn theirs(id: &str, interval: Option<Interval>) -> RemotePrice {
    RemotePrice {
        id: id.into(),
        interval,
        interval_count: 1,
        amount: 900,
        currency: "eur".parse().unwrap(),
        active: true,
        metered: false,
        trial_days: 0,
        metadata: [].into(),
    }
}

#[tokio::test]
async fn what_is_due_once_is_not_for_sale_wherever_it_was_made() {
    in_house(|house| async move {
        for once in [
            json!({"amount": 900, "currency": "usd"}),
            json!({"interval": null, "amount": 900, "currency": "usd"}),
        ] {
            let plan = json!({"id": "once", "name": "Once", "prices": [once]});
            let refused = serde_json::from_value::<NewPlan>(plan).unwrap_err().to_string();
            assert!(refused.contains("interval") || refused.contains("null"), "{refused}");
        }
        house.pro().await;
        let pro = plan(&house.room, "pro").await;
        let product = pro.remote_id.clone().unwrap();
        house.provider.with(|books| {
            let prices = &mut books.products.get_mut(&product).unwrap().prices;
            prices.extend([theirs("price_once", None), theirs("price_yearly", Some(Interval::Year))]);
        });
        house.hear(ObjectKind::Product, &product).await;
        let object = ObjectRef::new(ObjectKind::Product, &product);
        for _ in 0..2 {
            house.room.fetch_object(&house.port(), &object).await.unwrap();
        }
        let shown = plan(&house.room, "pro").await;
        let every = |price: &Price| price.interval.map_or("once", Interval::as_str);
        let mut seen: Vec<_> = shown.prices.iter().map(|price| (every(price), price.active)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [("month", true), ("once", false), ("year", true)]);
        let subject = house.org();
        let buy = |interval, currency: &str| {
            let currency = Some(currency.parse().unwrap());
            let order = Order { interval, currency, ..House::order("pro") };
            let (room, payer, entry) = (house.room.clone(), house.payer(subject), house.entry());
            async move { room.start_checkout(&payer, &order, entry).await }
        };
        buy(Some(Interval::Year), "eur").await.unwrap();
        let yearly = house
            .provider
            .with(|books| books.wishes.values().map(|wish| wish.price.clone()).collect::<Vec<_>>());
        assert_eq!(yearly, ["price_yearly"]);
        // Without the yearly one nothing is sold in euros, and what the team sells elsewhere stays as it is there.
        let prices = json!([{"interval": "month", "amount": 1900, "currency": "usd"}]);
        let change =
            PlanChange { prices: Some(serde_json::from_value(prices).unwrap()), ..PlanChange::default() };
        house.room.change_plan(&"pro".parse().unwrap(), change, house.entry()).await.unwrap();
        let refused = buy(None, "eur").await.unwrap_err();
        assert!(matches!(refused, PaymentsError::NoSuchPrice), "{refused}");
        let active = house.provider.with(|books| {
            let prices = books.products[&product].prices.iter();
            prices.map(|price| (price.id.clone(), price.active)).collect::<Vec<_>>()
        });
        assert_eq!(active[1..], [("price_once".to_owned(), true), ("price_yearly".to_owned(), false)]);
    })
    .await;
}

const FILE: &str = r#"
[[plans]]
id = "pro"
name = "Pro"
prices = [{ interval = "month", amount = 1900, currency = "usd" }]
entitlements = { projects = { limit = 3 }, export = true }

[[plans]]
id = "team"
name = "Team"
prices = [{ interval = "month", amount = 900, currency = "usd", per_seat = true }]
"#;

#[tokio::test]
async fn a_file_of_plans_is_applied_and_drift_is_shown_before_it_is_overwritten() {
    in_house(|house| async move {
        let sync = house.room.add_missing_plans(FILE).await.unwrap();
        assert_eq!(sync.made, ["pro", "team"]);
        assert!(sync.drift.is_empty(), "{:?}", sync.drift);
        let change = PlanChange { name: Some("Professional".into()), ..PlanChange::default() };
        house.room.change_plan(&"pro".parse().unwrap(), change, house.entry()).await.unwrap();
        let again = house.room.add_missing_plans(FILE).await.unwrap();
        assert!(again.made.is_empty() && again.changed.is_empty());
        assert_eq!(
            (again.drift[0].plan.as_str(), &again.drift[0].fields[..]),
            ("pro", &["name".to_owned()][..])
        );
        let refused = house.room.apply_plan_file(FILE, false).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::Drifted(_)), "{refused}");
        assert_eq!(plan(&house.room, "pro").await.name, "Professional");
        let forced = house.room.apply_plan_file(FILE, true).await.unwrap();
        assert_eq!(forced.changed, ["pro"]);
        assert_eq!(plan(&house.room, "pro").await.name, "Pro");
    })
    .await;
}

type Change = fn(&mut RemoteProduct);

#[tokio::test]
async fn what_somebody_changed_at_the_provider_is_overwritten_by_the_file_with_force_only() {
    let changes: [(&str, Change); 3] = [
        ("name", |product| product.name = "Professional".into()),
        ("prices", |product| product.prices[0].active = false),
        ("prices", |product| {
            let amount = 2900;
            let added = RemotePrice {
                id: "price_theirs".into(),
                amount,
                metadata: [].into(),
                ..product.prices[0].clone()
            };
            product.prices.push(added);
        }),
    ];
    in_house(move |house| async move {
        for (field, change) in changes {
            house.room.apply_plan_file(FILE, true).await.unwrap();
            let product = plan(&house.room, "pro").await.remote_id.unwrap();
            let object = ObjectRef::new(ObjectKind::Product, &product);
            let look = async || {
                house.hear(ObjectKind::Product, &product).await;
                house.room.fetch_object(&house.port(), &object).await.unwrap();
                house.room.plan_drift(FILE).await.unwrap()
            };
            // What we published ourselves is no change of somebody else's.
            assert_eq!(look().await, [], "{field}");
            house.provider.with(|books| change(books.products.get_mut(&product).unwrap()));
            let drift = look().await;
            assert_eq!(
                (drift.len(), &drift[0].fields[..], drift[0].needs_force),
                (1, &[field.to_owned()][..], true)
            );
            assert_eq!(drift[0].source, Some(PlanSource::Provider));
            let gives = plan(&house.room, "pro").await.entitlements;
            assert!(gives.contains_key("export"), "what it gives stays ours: {gives:?}");
            let refused = house.room.apply_plan_file(FILE, false).await.unwrap_err();
            assert!(matches!(refused, PaymentsError::Drifted(_)), "{refused}");
            let forced = house.room.apply_plan_file(FILE, true).await.unwrap();
            assert_eq!((forced.changed, forced.drift), (vec!["pro".to_owned()], Vec::new()));
            // A file that was changed itself needs no force.
            let file = FILE.replace("limit = 3", "limit = 4");
            let applied = house.room.apply_plan_file(&file, false).await.unwrap();
            assert_eq!(applied.changed, ["pro"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_the_file_does_not_sell_is_archived_at_the_provider_and_does_not_drift() {
    in_house(|house| async move {
        let file = FILE.replace("name = \"Pro\"", "name = \"Pro\"\nactive = false");
        house.room.apply_plan_file(FILE, false).await.unwrap();
        assert_eq!(house.room.apply_plan_file(&file, false).await.unwrap().changed, ["pro"]);
        let product = plan(&house.room, "pro").await.remote_id.unwrap();
        assert!(!house.provider.with(|books| books.products[&product].prices[0].active));
        house.hear(ObjectKind::Product, &product).await;
        let object = ObjectRef::new(ObjectKind::Product, &product);
        house.room.fetch_object(&house.port(), &object).await.unwrap();
        assert_eq!(house.room.plan_drift(&file).await.unwrap(), []);
        assert_eq!(house.room.apply_plan_file(FILE, false).await.unwrap().changed, ["pro"]);
        assert!(house.provider.with(|books| books.products[&product].prices[0].active));
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_cannot_be_sold_is_refused_with_its_field() {
    in_house(|house| async move {
        for (wrong, field) in [
            (json!({"id": "x", "name": ""}), "name"),
            (json!({"id": "x", "name": "X", "prices": [{"interval": "month", "amount": -1, "currency": "usd"}]}), "prices.0.amount"),
            (json!({"id": "x", "name": "X", "prices": [{"interval": "month", "amount": 1, "currency": "usd", "trial_days": 731}]}), "prices.0.trial_days"),
            (json!({"id": "x", "name": "X", "entitlements": {"Seats!": true}}), "entitlements.Seats!"),
            (json!({"id": "x", "name": "X", "entitlements": {"seats": {"limit": -1}}}), "entitlements.seats"),
        ] {
            let plan = serde_json::from_value(wrong).unwrap();
            let refused = house.room.create_plan(plan, house.entry()).await.unwrap_err();
            assert!(refused.to_string().starts_with(field), "{refused}");
        }
    })
    .await;
}
