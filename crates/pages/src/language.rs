//! The languages of the pages, and which one somebody reads.

use quoin_web::{HeaderMap, header};

/// A language that every message exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
    /// Italian.
    It,
    /// Spanish.
    Es,
    /// French.
    Fr,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 5] = [Self::En, Self::De, Self::It, Self::Es, Self::Fr];

    /// Returns its tag of BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::It => "it",
            Self::Es => "es",
            Self::Fr => "fr",
        }
    }

    /// Returns its name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::It => "Italiano",
            Self::Es => "Español",
            Self::Fr => "Français",
        }
    }

    /// Reads a tag; regions and scripts do not matter.
    pub fn parse(tag: &str) -> Option<Self> {
        let base = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| base.eq_ignore_ascii_case(language.tag()))
    }

    /// Chooses by `Accept-Language` (RFC 9110, section 12.5.4): the highest weight, the first among equals; else English.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (Self::En, 0.0);
        for item in accepted.unwrap_or_default().split(',') {
            let (tag, weight) = item.split_once(";q=").unwrap_or((item, "1"));
            let weight: f32 = weight.trim().parse().unwrap_or(0.0);
            if let Some(language) = Self::parse(tag).filter(|_| weight > best.1) {
                best = (language, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use quoin_web::HeaderValue;

    use super::*;

    #[test]
    fn the_heaviest_language_that_there_is_wins() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
            Language::of(&headers)
        };
        assert_eq!(of("it-IT,it;q=0.9,en;q=0.8"), Language::It);
        assert_eq!(of("en;q=0.5, de-CH;q=0.9"), Language::De);
        assert_eq!(of("nl, fr;q=0.3"), Language::Fr);
        assert_eq!(of("es;q=0"), Language::En);
        assert_eq!(of(";;q=,x"), Language::En);
        assert_eq!(Language::of(&HeaderMap::new()), Language::En);
    }
}
