//! Mail addresses with one canonical comparison.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// Holds a mail address in its canonical form: trimmed, lower case, the domain in ASCII (IDNA).
///
/// Two addresses are the same person's exactly if their canonical forms are equal byte for byte, on every engine.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct EmailAddress(#[schemars(email)] String);

/// A text that is no usable mail address.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a mail address: it needs one @, a name of at most 64 bytes and a domain, without spaces or control characters"
)]
pub struct InvalidEmail;

impl EmailAddress {
    /// Wraps a text that was the canonical form of an address when it was written, such as a column of our own.
    pub const fn from_canonical(text: String) -> Self {
        Self(text)
    }

    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part behind the @.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical = canonical(text)?;
        // Lower case and IDNA may lengthen a text or break it up ("İ" becomes two characters, one of them no letter):
        // what is stored must be readable again, as the same address.
        let again = self::canonical(&canonical)?;
        if again == canonical { Ok(Self(canonical)) } else { Err(InvalidEmail) }
    }
}

fn canonical(text: &str) -> Result<String, InvalidEmail> {
    let text = text.trim();
    if text.len() > 254 {
        return Err(InvalidEmail);
    }
    let (name, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_name_char) {
        return Err(InvalidEmail);
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(InvalidEmail);
    }
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail)?;
    if domain.is_empty() || domain.starts_with('.') || domain.ends_with('.') || domain.contains("..") {
        return Err(InvalidEmail);
    }
    Ok(format!("{}@{}", name.to_lowercase(), domain))
}

/// Allows what RFC 5321 and 6531 allow unquoted; quoting, comments and control characters are refused.
fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || (c.is_ascii_graphic() && !"\"(),:;<>@[\\]".contains(c))
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
