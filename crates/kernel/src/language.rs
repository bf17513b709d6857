//! The languages that Quoin speaks to people, and which one somebody reads.

use serde::{Deserialize, Serialize};

/// A language that every page and every mail exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
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

    /// Chooses by the value of `Accept-Language` (RFC 9110, section 12.5.4): the highest weight, the first among equals.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best = (None, 0.0);
        for item in header.split(',') {
            let (tag, weight) = item.split_once(";q=").unwrap_or((item, "1"));
            let weight: f32 = weight.trim().parse().unwrap_or(0.0);
            if let Some(language) = Self::parse(tag).filter(|_| weight > best.1) {
                best = (Some(language), weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_that_there_is_wins() {
        assert_eq!(Language::accepted("it-IT,it;q=0.9,en;q=0.8"), Some(Language::It));
        assert_eq!(Language::accepted("en;q=0.5, de-CH;q=0.9"), Some(Language::De));
        assert_eq!(Language::accepted("nl, fr;q=0.3"), Some(Language::Fr));
        for nothing in ["es;q=0", ";;q=,x", "", "*", "nl"] {
            assert_eq!(Language::accepted(nothing), None, "{nothing}");
        }
    }
}
