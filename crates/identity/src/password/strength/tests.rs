use super::*;

fn refused(password: &str) -> Option<WeakPassword> {
    check_strength(password, 8).err()
}

#[test]
fn passwords_that_everybody_tries_first_are_refused_and_the_reason_is_told() {
    let listed = [
        "password",
        "12345678",
        "1qaz2wsx",
        "trustno1",
        "lovehurts",
        "falcon01",
        "11234567",
        "mopar440",
        "mercede1",
        "baseball",
        "superman",
        "qwertyuiop",
    ];
    // The list knows them in lower case; so does whoever guesses.
    let disguised =
        ["PASSWORD", "Password1", "p@ssw0rd", "tRusTno1", "drowssap", "aaaaaaaa", "abcdefgh", "qwertyuiop"];
    for password in listed.into_iter().chain(disguised) {
        let weak = refused(password).unwrap_or_else(|| panic!("{password} was accepted"));
        assert_eq!((weak, weak.reason()), (WeakPassword::Common, "pwned"), "{password}");
        assert!(weak.to_string().contains("guessed first"), "{weak}");
    }
}

#[test]
fn the_shortest_length_counts_characters_and_says_how_many() {
    let weak = refused("zq8!kfw").unwrap();
    assert_eq!((weak, weak.reason()), (WeakPassword::TooShort { minimum: 8 }, "length"));
    assert!(weak.to_string().contains("8 characters"), "{weak}");
    assert_eq!(refused("zq8!kfwp"), None);
    // Four characters of four bytes each are four.
    assert_eq!(refused("🦊🌂🎷🧭"), Some(WeakPassword::TooShort { minimum: 8 }));
    assert_eq!(check_strength("zq8!kfwp", 15), Err(WeakPassword::TooShort { minimum: 15 }));
}

#[test]
fn every_code_point_and_every_length_up_to_four_kilobytes_is_welcome() {
    let phrases = [
        "walrus teapot lantern",
        " begins and ends with spaces ",
        "🦊🌂🎷🧭🪁🦉🧵🔭",
        "κλειδί στο νερό",
        "сумка под дождём",
        "錆びた門と青い傘と猫",
        "مفتاح قديم تحت المطر",
        "e\u{301}tage ne\u{301}ant",
        "tab\tand\u{0}nul\u{7f}",
    ];
    for phrase in phrases {
        assert_eq!(refused(phrase), None, "{phrase:?}");
    }
    // Nothing is composed: letters alone will do.
    assert_eq!(refused("wvkzmqtrhbsd"), None);
    assert_eq!(refused(&"correct horse battery staple, then ".repeat(20)), None);
    assert_eq!(refused(&"x".repeat(4096)), None);
    assert_eq!(refused(&"x".repeat(4097)), Some(WeakPassword::TooLong));
}
