use serde_json::{Map, Value, json};

use super::{BUILT_IN, FALLBACK_LANGUAGE, Templates};

fn params(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => panic!("parameters are an object"),
    }
}

fn with_link() -> Map<String, Value> {
    params(
        json!({"link": "https://app.example/auth/v1/verify?token=abc&type=signup", "code": "123456", "minutes": 15, "site": "https://app.example/", "what": "A passkey was added.", "amount": "19.00 USD",
                "plan": "Pro", "restricted": false, "until": "2026-12-01"}),
    )
}

#[test]
fn every_template_can_be_filled_and_its_first_link_is_the_action() {
    let templates = Templates::load("Acme", None).unwrap();
    let names =
        BUILT_IN.iter().filter_map(|(file, _)| file.strip_prefix("en/")?.strip_suffix(".subject.txt"));
    for name in names {
        let texts = templates.fill(name, FALLBACK_LANGUAGE, &with_link()).unwrap();
        assert!(texts.subject.contains("Acme") && !texts.subject.contains('\n'), "{name}: {}", texts.subject);
        assert!(texts.text.contains("sent automatically by Acme"), "{name}");
        assert!(texts.html.contains("</html>"), "{name}");
        let links = crate::model::links_in(&texts.text);
        assert!(links.len() <= 1, "{name}: {links:?}");
        let hrefs = texts.html.matches("href=").count();
        assert_eq!(links.len(), hrefs, "{name}: text and HTML hold the same links");
        for link in links {
            assert!(texts.html.contains(&format!("href=\"{}\"", link.replace('&', "&amp;"))), "{name}");
        }
    }
}

#[test]
fn the_code_is_optional_where_there_is_a_link() {
    let templates = Templates::load("Acme", None).unwrap();
    let only_link = params(json!({"link": "https://app.example/x"}));
    let texts = templates.fill("identity.confirm", "en", &only_link).unwrap();
    assert!(!texts.text.contains("code") && texts.text.contains("10 minutes"), "{}", texts.text);
}

#[test]
fn a_missing_parameter_is_an_error_and_not_an_empty_place() {
    let templates = Templates::load("Acme", None).unwrap();
    assert!(templates.fill("identity.confirm", "en", &Map::new()).is_err());
}

#[test]
fn parameters_cannot_become_markup_scripts_or_headers() {
    let templates = Templates::load("Acme\r\nBcc: all@acme.example", None).unwrap();
    let evil = params(json!({"new_email": "<img src=x onerror=alert(1)>@a.example"}));
    let texts = templates.fill("identity.email_changed_notice", "en", &evil).unwrap();
    assert!(!texts.html.contains("<img"), "{}", texts.html);
    assert!(!texts.subject.contains(['\r', '\n']), "{}", texts.subject);
    let script = params(json!({"link": "javascript:alert(1)"}));
    assert!(templates.fill("identity.confirm", "en", &script).is_err());
}

#[test]
fn a_directory_replaces_templates_and_adds_languages() {
    let directory = std::env::temp_dir().join(format!("quoin-mail-templates-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("de")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(directory.join("de").join(file), text).unwrap();
    write("identity.confirm.subject.txt", "Willkommen bei {{ product }}");
    write("identity.confirm.txt", "Bitte bestätigen: {{ link }}");
    write("identity.confirm.html", "{% extends \"layout.html\" %}{% block title %}Willkommen{% endblock %}");
    let templates = Templates::load("Acme", Some(&directory)).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let german = templates.fill("identity.confirm", "de-AT", &with_link()).unwrap();
    assert_eq!(german.subject, "Willkommen bei Acme");
    assert!(
        german.html.contains("<html lang=\"de\">") && german.html.contains("Willkommen</h1>"),
        "{}",
        german.html
    );
    let english = templates.fill("identity.recovery", "de-AT", &with_link()).unwrap();
    assert_eq!(english.subject, "Reset your password for Acme");
}
