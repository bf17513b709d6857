use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Language, Templates, messages};
use crate::brand::Brand;

fn params(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => panic!("parameters are an object"),
    }
}

/// Everything that any mail asks for.
fn everything() -> Map<String, Value> {
    params(json!({
        "link": "https://app.example/auth/v1/verify?token=abc&type=signup", "code": "123456", "minutes": 15, "days": 7,
        "site": "https://app.example/", "what": "passkey_added", "amount": "19.00 USD", "plan": "Pro", "restricted": false,
        "until": "2026-12-01", "new_email": "new@app.example", "email": "ada@app.example", "organization": "Engines",
    }))
}

fn load(directory: Option<&std::path::Path>) -> Templates {
    Templates::load(&Brand::plain("Acme"), Language::En, directory).unwrap()
}

/// Every mail there is.
fn mails(templates: &Templates) -> BTreeSet<String> {
    let (_, texts) = &templates.words[0];
    texts.keys().filter(|mail| *mail != "frame").cloned().collect()
}

#[test]
fn every_mail_can_be_filled_in_every_language_and_its_first_link_is_the_action() {
    let templates = load(None);
    let all = mails(&templates);
    assert!(all.len() >= 13, "{all:?}");
    for (name, language) in all.iter().flat_map(|name| Language::ALL.map(|language| (name, language))) {
        let texts = templates.fill(name, Some(language), &everything()).unwrap();
        assert!(texts.subject.contains("Acme") && !texts.subject.contains('\n'), "{name}: {}", texts.subject);
        assert!(texts.text.contains("\n-- \n") && texts.html.contains("</html>"), "{name}");
        assert!(texts.html.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}");
        let links = crate::model::links_in(&texts.text);
        assert!(links.len() <= 1, "{name}: {links:?}");
        let hrefs = texts.html.matches("href=").count();
        assert_eq!(links.len(), hrefs, "{name}: text and HTML hold the same links");
        for link in links {
            assert!(texts.html.contains(&format!("href=\"{}\"", link.replace('&', "&amp;"))), "{name}");
        }
        let widest =
            texts.text.lines().filter(|line| !line.contains("://")).map(|line| line.chars().count()).max();
        assert!(widest <= Some(super::WIDTH), "{name}: {widest:?}");
    }
}

#[test]
fn every_language_says_the_same_things_with_the_same_parameters_in_words_of_its_own() {
    let all = messages::load(None).unwrap();
    let placeholders = |text: &str| -> BTreeSet<String> {
        text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().trim().to_owned()).collect()
    };
    let (_, english) = &all[0];
    for (language, texts) in &all[1..] {
        assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language:?}");
        for (mail, words) in texts {
            let theirs = &english[mail];
            assert_eq!(
                words.keys().collect::<Vec<_>>(),
                theirs.keys().collect::<Vec<_>>(),
                "{language:?} {mail}"
            );
            for (key, text) in words {
                assert_eq!(placeholders(text), placeholders(&theirs[key]), "{language:?} {mail}: {key}");
                assert_ne!(text, &theirs[key], "{language:?} {mail}: {key} is not translated");
            }
        }
    }
}

#[test]
fn a_mail_of_no_known_language_comes_in_the_instances() {
    let templates = Templates::load(&Brand::plain("Acme"), Language::It, None).unwrap();
    assert_eq!(
        templates.fill("identity.confirm", None, &everything()).unwrap().subject,
        "Conferma il tuo indirizzo per Acme"
    );
    let german = templates.fill("identity.confirm", Some(Language::De), &everything()).unwrap();
    assert_eq!(german.subject, "Bestätigen Sie Ihre Adresse für Acme");
}

#[test]
fn every_change_of_how_somebody_signs_in_is_named_in_every_language() {
    let templates = load(None);
    let changes = [
        "factor_added",
        "factor_removed",
        "passkey_added",
        "passkey_removed",
        "recovery_code_used",
        "identity_linked",
        "identity_unlinked",
    ];
    for language in Language::ALL {
        let mut told = BTreeSet::new();
        for what in changes {
            let given = params(json!({"what": what}));
            told.insert(
                templates.fill("identity.factor_changed_notice", Some(language), &given).unwrap().text,
            );
        }
        assert_eq!(told.len(), changes.len(), "{language:?}");
    }
    let unknown = params(json!({"what": "something"}));
    assert!(templates.fill("identity.factor_changed_notice", None, &unknown).is_err());
}

#[test]
fn the_code_is_optional_where_there_is_a_link() {
    let only_link = params(json!({"link": "https://app.example/x", "minutes": 10}));
    let texts = load(None).fill("identity.confirm", None, &only_link).unwrap();
    assert!(!texts.text.contains("code") && texts.text.contains("10 minutes"), "{}", texts.text);
}

#[test]
fn a_missing_parameter_is_an_error_and_not_an_empty_place() {
    assert!(load(None).fill("identity.confirm", None, &Map::new()).is_err());
    assert!(load(None).fill("identity.nothing", None, &everything()).is_err());
}

#[test]
fn parameters_cannot_become_markup_scripts_or_headers() {
    let brand = Brand::plain("Acme\r\nBcc: all@acme.example");
    let templates = Templates::load(&brand, Language::En, None).unwrap();
    let evil = params(json!({"new_email": "<img src=x onerror=alert(1)>@a.example{{ link }}"}));
    let texts = templates.fill("identity.email_changed_notice", None, &evil).unwrap();
    assert!(!texts.html.contains("<img") && texts.text.contains("{{ link }}"), "{}", texts.html);
    assert!(!texts.subject.contains(['\r', '\n']), "{}", texts.subject);
    let script = params(json!({"link": "javascript:alert(1)", "minutes": 10}));
    assert!(templates.fill("identity.confirm", None, &script).is_err());
}

#[test]
fn mails_wear_the_colours_and_the_logo_of_the_product() {
    let logo = Some("https://id.acme.example/assets/logo-abc.png".to_owned());
    let brand =
        Brand { accent: "#8a2be2".into(), accent_dark: "#c9a6ff".into(), logo, ..Brand::plain("Acme") };
    let templates = Templates::load(&brand, Language::En, None).unwrap();
    let html = templates.fill("identity.confirm", None, &everything()).unwrap().html;
    assert!(
        html.contains("background:#8a2be2;color:#ffffff") && html.contains("background: #c9a6ff"),
        "{html}"
    );
    assert!(html.contains("<img src=\"https://id.acme.example/assets/logo-abc.png\" alt=\"Acme\""), "{html}");
}

#[test]
fn a_directory_replaces_whole_mails_and_single_words() {
    let directory = std::env::temp_dir().join(format!("quoin-mail-templates-{}", std::process::id()));
    for folder in ["de", "messages"] {
        std::fs::create_dir_all(directory.join(folder)).unwrap();
    }
    let write = |file: &str, text: &str| std::fs::write(directory.join(file), text).unwrap();
    write("de/identity.confirm.subject.txt", "Willkommen bei {{ product }}");
    write("de/identity.confirm.txt", "Bitte bestätigen: {{ link }}");
    write(
        "de/identity.confirm.html",
        "{% extends \"layout.html\" %}{% block title %}Willkommen{% endblock %}",
    );
    write("messages/en.toml", "[\"identity.recovery\"]\nsubject = \"Back into {{ product }}\"");
    let templates = load(Some(&directory));
    write("messages/fr.toml", "[\"identity.recovery\"]\nsubjet = \"?\"");
    let misspelt = Templates::load(&Brand::plain("Acme"), Language::En, Some(&directory));
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(misspelt.is_err(), "a text that there is not stops the start");
    let german = templates.fill("identity.confirm", Some(Language::De), &everything()).unwrap();
    assert_eq!(german.subject, "Willkommen bei Acme");
    assert_eq!(german.text.lines().count(), 1, "{}", german.text);
    assert!(
        german.html.contains("<html lang=\"de\">") && german.html.contains("Willkommen</h1>"),
        "{}",
        german.html
    );
    let english = templates.fill("identity.recovery", None, &everything()).unwrap();
    assert_eq!(english.subject, "Back into Acme");
}
