use serde_json::json;

use super::*;

#[test]
fn brackets_nest() {
    let tree = parse(b"items[0][price]=price_1&items[0][quantity]=2&metadata[a b]=c&name=x").expect("a form");
    let expected =
        json!({"items": {"0": {"price": "price_1", "quantity": "2"}}, "metadata": {"a b": "c"}, "name": "x"});
    assert_eq!(Value::Object(tree), expected);
}

#[test]
fn empty_brackets_count_up() {
    let tree = parse(b"expand[]=a&expand[]=b&items[][price]=p&items[][price]=q&items[][quantity]=3")
        .expect("a form");
    let expected = json!({
        "expand": {"0": "a", "1": "b"},
        "items": {"0": {"price": "p"}, "1": {"price": "q", "quantity": "3"}},
    });
    assert_eq!(Value::Object(tree), expected);
}

#[test]
fn crooked_names_are_refused() {
    for name in ["a[b", "a]b[", "[a]=1", "a[b]c=1"] {
        let name = if name.contains('=') { name.to_owned() } else { format!("{name}=1") };
        assert!(parse(name.as_bytes()).is_err() || name == "a]b[=1", "{name}");
    }
    assert!(parse(b"a=1&a[b]=2").is_err());
    assert!(parse(format!("a{}=1", "[b]".repeat(20)).as_bytes()).is_err());
}

#[test]
fn lists_follow_their_numbers_and_not_their_arrival() {
    let tree = parse(b"l[10]=c&l[2]=b&l[0]=a").expect("a form");
    let list = as_list(tree["l"].as_object().expect("a tree")).expect("numbers");
    assert_eq!(list, [&json!("a"), &json!("b"), &json!("c")]);
    let tree = parse(b"l[x]=c").expect("a form");
    assert!(as_list(tree["l"].as_object().expect("a tree")).is_none());
}
