use super::*;

fn canonical(text: &str) -> Result<String, BadJson> {
    Json::parse(text).map(|json| {
        let mut out = String::new();
        json.write(&mut out);
        out
    })
}

#[test]
fn documents_take_the_form_that_jsonb_gives_them() {
    assert_eq!(
        canonical(r#" {"bb": 1, "a": 2, "bb": 3, "": [ ]} "#).as_deref(),
        Ok(r#"{"":[],"a":2,"bb":3}"#)
    );
    assert_eq!(canonical("[1.50, 1e2, -0, 1E-2]").as_deref(), Ok("[1.50,100,0,0.01]"));
    assert_eq!(canonical(r#""\u00e9\n\/""#).as_deref(), Ok("\"é\\n/\""));
}

#[test]
fn what_is_no_document_is_refused() {
    for text in ["", "{", "[1,]", "{\"a\"}", "01", "tru", "\"a", "1 2", "{a:1}", "nan", "[1 2]"] {
        assert_eq!(canonical(text), Err(BadJson::Syntax), "{text}");
    }
    assert_eq!(canonical(r#""\u0000""#), Err(BadJson::Nul));
    assert_eq!(canonical(&"[".repeat(100)), Err(BadJson::Syntax));
}

#[test]
fn paths_lead_through_objects_and_arrays() {
    let json = Json::parse(r#"{"a":[1,{"b":"t"}]}"#).expect("a document");
    let at = |path: &[Step]| json.get(path).and_then(Json::as_text);
    let a = || Step::Key("a".to_owned());
    assert_eq!(at(&[a(), Step::Index(0)]).as_deref(), Some("1"));
    assert_eq!(at(&[a(), Step::Index(-1), Step::Key("b".to_owned())]).as_deref(), Some("t"));
    assert_eq!(at(&[a(), Step::Index(9)]), None);
    assert_eq!(at(&[Step::Index(0)]), None);
}

#[test]
fn spaces_go_except_inside_of_strings() {
    let mut out = String::new();
    write_compact(r#"{"a b": [1, "x \" y", {}]}"#, &mut out);
    assert_eq!(out, r#"{"a b":[1,"x \" y",{}]}"#);
}
