//! What a plan gives: flags, values and limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a plan gives, by name.
pub type Entitlements = BTreeMap<String, Entitlement>;

/// One thing that a plan gives: a scalar, or a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Entitlement {
    /// How much there may be of something.
    Limit(Limit),
    /// On or off.
    Flag(bool),
    /// A number that the application interprets.
    Number(i64),
    /// A text that the application interprets.
    Text(String),
}

/// How much there may be of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How much; null is without end.
    pub limit: Option<i64>,
    /// What happens at the limit.
    #[serde(default)]
    pub mode: Mode,
    /// After which time counting begins anew; never by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
}

/// What happens at a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// More is refused.
    #[default]
    Hard,
    /// More is counted and shown, never refused.
    Soft,
    /// More is allowed for some days, then refused.
    Grace,
}

/// After which time counting begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// At midnight UTC.
    Day,
    /// On the first of the month, UTC.
    Month,
}

/// A name, number of entitlements or limit that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("entitlements.{name}: {problem}")]
pub struct InvalidEntitlement {
    /// Which one.
    pub name: String,
    /// What is wrong.
    pub problem: &'static str,
}

impl Mode {
    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Grace => "grace",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hard, Self::Soft, Self::Grace].into_iter().find(|mode| mode.as_str() == name)
    }
}

impl Per {
    /// Returns the name that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Day, Self::Month].into_iter().find(|per| per.as_str() == name)
    }
}

impl Entitlement {
    /// Returns the limit, where it is one.
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::Limit(limit) => Some(*limit),
            _ => None,
        }
    }

    /// Returns the scalar as JSON; null for a limit.
    pub fn value(&self) -> Value {
        match self {
            Self::Limit(_) => Value::Null,
            Self::Flag(flag) => Value::from(*flag),
            Self::Number(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
        }
    }

    /// Takes the better of two, where several subscriptions give the same thing.
    #[must_use]
    pub fn better(self, other: Self) -> Self {
        match (self, other) {
            (Self::Limit(one), Self::Limit(two)) => {
                let more = match (one.limit, two.limit) {
                    (None, _) => one,
                    (Some(a), Some(b)) if a >= b => one,
                    _ => two,
                };
                Self::Limit(more)
            }
            (Self::Flag(one), Self::Flag(two)) => Self::Flag(one || two),
            (Self::Number(one), Self::Number(two)) => Self::Number(one.max(two)),
            (one, _) => one,
        }
    }
}

/// Checks names and limits of what a plan gives.
///
/// # Errors
/// The first one that cannot be used.
pub fn check(entitlements: &Entitlements) -> Result<(), InvalidEntitlement> {
    let refuse = |name: &str, problem| InvalidEntitlement { name: name.chars().take(64).collect(), problem };
    if entitlements.len() > 100 {
        return Err(refuse("*", "a plan has at most 100 entitlements"));
    }
    for (name, entitlement) in entitlements {
        let is_name = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-'));
        if !is_name {
            return Err(refuse(name, "a name has 1 to 64 of a-z 0-9 _ . -"));
        }
        match entitlement {
            Entitlement::Limit(Limit { limit: Some(limit), .. }) if *limit < 0 => {
                return Err(refuse(name, "a limit is not negative"));
            }
            Entitlement::Text(text) if text.len() > 1000 => {
                return Err(refuse(name, "a text has at most 1000 bytes"));
            }
            _ => {}
        }
    }
    Ok(())
}
