use serde_json::json;

use super::*;
use crate::form::parse;

const ITEM: &[Field] = &[text("price").required(), int("quantity")];
const CALL: &[Field] = &[
    text("customer").required(),
    objects("items", ITEM),
    metadata("metadata"),
    one_of("mode", &["payment", "setup"]),
    time_or("trial_end", &["now"]),
    flag("prorate"),
    texts("expand"),
    range("created"),
];

fn check(form: &str) -> Result<Params, StripeError> {
    Params::check(&parse(form.as_bytes()).expect("a form"), CALL)
}

fn refusal(form: &str) -> (String, String) {
    let body = check(form).expect_err(form).body();
    let read = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    (read("code"), read("param"))
}

#[test]
fn types_come_out_as_declared() {
    let params =
        check("customer=c&items[0][price]=p&items[0][quantity]=2&trial_end=now&prorate=true&created[gte]=5")
            .expect("a good form");
    assert_eq!(params.objects("items")[0].int("quantity"), Some(2));
    assert_eq!(params.text("trial_end"), Some("now"));
    assert_eq!(params.flag("prorate"), Some(true));
    assert_eq!(params.get("created"), &json!({"gte": 5}));
    assert_eq!(check("customer=c&trial_end=77").expect("a moment").int("trial_end"), Some(77));
}

#[test]
fn what_is_not_declared_is_refused_by_its_full_name() {
    assert_eq!(refusal("customer=c&nonsense=1"), ("parameter_unknown".into(), "nonsense".into()));
    assert_eq!(refusal("customer=c&items[0][prix]=1"), ("parameter_unknown".into(), "items[0][prix]".into()));
    assert_eq!(refusal(""), ("parameter_missing".into(), "customer".into()));
    assert_eq!(refusal("customer="), ("parameter_invalid_empty".into(), "customer".into()));
    assert_eq!(refusal("customer=c&items[0][quantity]=1").1, "items[0][price]");
    assert_eq!(refusal("customer=c&items[0][price]=p&items[0][quantity]=x").0, "parameter_invalid_integer");
    assert_eq!(refusal("customer=c&mode=bogus").1, "mode");
    assert_eq!(refusal("customer=c&prorate=maybe").1, "prorate");
    assert_eq!(refusal("customer=c&items=x").1, "items");
    assert_eq!(refusal("customer[a]=c").1, "customer");
}

#[test]
fn an_empty_text_unsets() {
    let params = check("customer=c&mode=&metadata=&items=").expect("a good form");
    assert!(params.has("mode") && params.get("mode").is_null());
    assert_eq!(params.get("items"), &json!([]));
    let mut object = crate::object::Object::new(json!({"metadata": {"a": "1"}}));
    params.merge_metadata(&mut object);
    assert_eq!(object.at("metadata"), &json!({}));
    check("customer=c&metadata[a]=&metadata[b]=2").expect("a good form").merge_metadata(&mut object);
    assert_eq!(object.at("metadata"), &json!({"b": "2"}));
}
