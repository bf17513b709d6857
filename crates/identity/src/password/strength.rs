//! Which passwords are refused: too short, or among those that everybody tries first.

use zxcvbn::matching::patterns::MatchPattern;

/// Characters of a password that are compared with the list; the work grows with the square of the length.
const COMPARED_CHARS: usize = 40;
/// More guesses than any entry of a list takes, with a capital letter or two.
const GUESSED_FIRST: u64 = 100_000;
/// A longer password is refused before anything is done with it.
const MAX_BYTES: usize = 4096;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It has fewer characters than the configured minimum.
    #[error("The password is too short: {minimum} characters are needed.")]
    TooShort {
        /// The configured minimum.
        minimum: usize,
    },
    /// It has more than 4096 bytes.
    #[error("The password is too long: 4096 bytes are the most.")]
    TooLong,
    /// It is in the list of common and breached passwords, or a trivial pattern.
    #[error(
        "This password is among those that are guessed first. Choose another one, for example three unrelated words."
    )]
    Common,
}

impl WeakPassword {
    /// Returns the reason's name in the contract.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooShort { .. } | Self::TooLong => "length",
            Self::Common => "pwned",
        }
    }
}

/// Checks a new password. Every code point is allowed, and no composition is asked for.
pub fn check_strength(password: &str, min_length: usize) -> Result<(), WeakPassword> {
    if password.len() > MAX_BYTES {
        return Err(WeakPassword::TooLong);
    }
    let length = password.chars().count();
    if length < min_length {
        return Err(WeakPassword::TooShort { minimum: min_length });
    }
    if length <= COMPARED_CHARS && is_common(password) {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

/// Looks the password up, as a whole, in the bundled lists. An entry that also reads as a word and a number is judged as
/// those; so whatever falls within as many guesses as the lists have entries, three times over, counts too.
fn is_common(password: &str) -> bool {
    let estimate = zxcvbn::zxcvbn(password, &[]);
    let whole_word =
        matches!(estimate.sequence(), [only] if matches!(only.pattern, MatchPattern::Dictionary(_)));
    whole_word || estimate.guesses() < GUESSED_FIRST
}

#[cfg(test)]
mod tests;
