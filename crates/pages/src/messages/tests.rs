use std::collections::BTreeSet;

use super::*;

fn all() -> Messages {
    Messages::load(None).unwrap()
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn every_language_says_everything_with_the_same_placeholders() {
    let messages = all();
    let english = &messages.0[0].1;
    for (language, texts) in &messages.0 {
        let keys = |texts: &Texts| texts.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(texts), keys(english), "{language:?}");
        for (key, text) in texts {
            assert_eq!(placeholders(text), placeholders(&english[key]), "{language:?} {key}");
            assert!(!text.trim().is_empty(), "{language:?} {key}");
        }
    }
}

#[test]
fn the_failures_of_a_link_are_told_apart_in_every_language() {
    let messages = all();
    for language in Language::ALL {
        let errors = [
            IdentityError::LinkUsed,
            IdentityError::LinkTooOld,
            IdentityError::LinkReplaced,
            IdentityError::LinkExpired,
        ];
        let said: BTreeSet<String> =
            errors.into_iter().map(|error| messages.of_problem(language, &error.into())).collect();
        assert_eq!(said.len(), 4, "{language:?}");
    }
}

#[test]
fn what_has_no_text_is_said_as_programs_hear_it() {
    let problem = Problem::new(418, "teapot", "Short and stout");
    assert_eq!(all().of_problem(Language::De, &problem), problem.message());
}
