//! Stripe's test cards: which number and which ready-made payment method does what.

use serde_json::{Value, json};

use crate::error::StripeError;

/// When a card asks for 3-D Secure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secure {
    /// Never.
    No,
    /// Until it was authenticated once.
    UntilSetUp,
    /// At every payment, also while the customer is away.
    Always,
}

/// What a card does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Card {
    pub(crate) number: &'static str,
    /// The name of its ready-made payment method, `pm_card_…`.
    pub(crate) name: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) secure: Secure,
    /// How payments are declined, as `code` or `card_declined/decline_code`.
    pub(crate) declined: Option<&'static str>,
    /// Whether it is refused already when it is attached or set up.
    pub(crate) refused_early: bool,
    /// Whether payments are disputed, and why.
    pub(crate) disputed: Option<&'static str>,
}

const fn card(number: &'static str, name: &'static str) -> Card {
    let (secure, declined, refused_early, disputed) = (Secure::No, None, false, None);
    Card { number, name, brand: "visa", secure, declined, refused_early, disputed }
}

impl Card {
    const fn of(mut self, brand: &'static str) -> Self {
        self.brand = brand;
        self
    }

    const fn declines(mut self, how: &'static str) -> Self {
        self.declined = Some(how);
        self.refused_early = true;
        self
    }

    const fn fails_later(mut self, how: &'static str) -> Self {
        self.declined = Some(how);
        self
    }

    const fn asks(mut self, secure: Secure) -> Self {
        self.secure = secure;
        self
    }

    const fn is_disputed(mut self, reason: &'static str) -> Self {
        self.disputed = Some(reason);
        self
    }
}

/// Every card that is known.
pub(crate) static CARDS: &[Card] = &[
    card("4242424242424242", "visa"),
    card("4000056655665556", "visa_debit"),
    card("5555555555554444", "mastercard").of("mastercard"),
    card("378282246310005", "amex").of("amex"),
    card("6011111111111117", "discover").of("discover"),
    card("4000000000000002", "chargeDeclined").declines("card_declined/generic_decline"),
    card("4000000000009995", "chargeDeclinedInsufficientFunds").declines("card_declined/insufficient_funds"),
    card("4000000000009987", "chargeDeclinedLostCard").declines("card_declined/lost_card"),
    card("4000000000009979", "chargeDeclinedStolenCard").declines("card_declined/stolen_card"),
    card("4000000000000069", "chargeDeclinedExpiredCard").declines("expired_card"),
    card("4000000000000127", "chargeDeclinedIncorrectCvc").declines("incorrect_cvc"),
    card("4000000000000119", "chargeDeclinedProcessingError").declines("processing_error"),
    card("4100000000000019", "chargeDeclinedFraudulent").declines("card_declined/fraudulent"),
    card("4000000000000341", "chargeCustomerFail").fails_later("card_declined/generic_decline"),
    card("4000002500003155", "authenticationRequiredOnSetup").asks(Secure::UntilSetUp),
    card("4000002760003184", "authenticationRequired").asks(Secure::Always),
    card("4000000000003220", "threeDSecure2Required").asks(Secure::UntilSetUp),
    card("4000008260003178", "authenticationRequiredChargeDeclinedInsufficientFunds")
        .asks(Secure::UntilSetUp)
        .fails_later("card_declined/insufficient_funds"),
    card("4000008400001629", "threeDSecureRequiredChargeDeclined")
        .asks(Secure::Always)
        .fails_later("card_declined/generic_decline"),
    card("4000000000000259", "createDispute").is_disputed("fraudulent"),
    card("4000000000002685", "createDisputeProductNotReceived").is_disputed("product_not_received"),
    card("4000000000001976", "createDisputeInquiry").is_disputed("fraudulent"),
];

/// Finds a card by its number; spaces are allowed.
pub(crate) fn by_number(number: &str) -> Result<&'static Card, StripeError> {
    let digits: String = number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if let Some(card) = CARDS.iter().find(|card| card.number == digits) {
        return Ok(card);
    }
    if digits.bytes().all(|c| c.is_ascii_digit()) && (12..=19).contains(&digits.len()) && passes_luhn(&digits)
    {
        return Err(StripeError::card(
            "Your card was declined. Your request was in test mode, but used a card that is no test card.",
            "card_declined",
            Some("live_mode_test_card"),
        ));
    }
    Err(StripeError::card("Your card number is incorrect.", "incorrect_number", None).param("number"))
}

/// Finds a card by the name of a ready-made payment method (`pm_card_visa`) or token (`tok_visa`).
pub(crate) fn by_name(name: &str) -> Option<&'static Card> {
    let name = name.strip_prefix("pm_card_").or_else(|| name.strip_prefix("tok_"))?;
    CARDS.iter().find(|card| card.name == name)
}

/// The check digit of ISO/IEC 7812.
fn passes_luhn(digits: &str) -> bool {
    let doubled = |(place, digit): (usize, u32)| match (place % 2, digit * 2) {
        (0, _) => digit,
        (_, twice) if twice > 9 => twice - 9,
        (_, twice) => twice,
    };
    let sum: u32 = digits.bytes().rev().map(|digit| u32::from(digit - b'0')).enumerate().map(doubled).sum();
    sum.is_multiple_of(10)
}

impl Card {
    /// Finds the card behind a payment method's private number.
    pub(crate) fn of_method(method: &crate::object::Object) -> &'static Self {
        let number = method.text("_number").unwrap_or_default();
        CARDS.iter().find(|card| card.number == number).unwrap_or(&CARDS[0])
    }

    /// Returns the last four digits.
    pub(crate) fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// Says how a payment is refused.
    pub(crate) fn refusal(&self) -> Option<StripeError> {
        let (code, decline) =
            self.declined?.split_once('/').map_or((self.declined?, None), |(a, b)| (a, Some(b)));
        Some(match (code, decline) {
            ("expired_card", _) => StripeError::card("Your card has expired.", "expired_card", None),
            ("incorrect_cvc", _) => {
                StripeError::card("Your card's security code is incorrect.", "incorrect_cvc", None)
            }
            ("processing_error", _) => {
                let message = "An error occurred while processing your card. Try again in a little bit.";
                StripeError::card(message, "processing_error", None)
            }
            (_, Some("insufficient_funds")) => StripeError::card(
                "Your card has insufficient funds.",
                "card_declined",
                Some("insufficient_funds"),
            ),
            (_, decline) => StripeError::card("Your card was declined.", "card_declined", decline),
        })
    }

    /// Writes the `card` of a payment method.
    pub(crate) fn shape(&self, exp_month: i64, exp_year: i64) -> Value {
        json!({
            "brand": self.brand,
            "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
            "country": "US",
            "display_brand": self.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": format!("fp{}", self.number),
            "funding": if self.name == "visa_debit" { "debit" } else { "credit" },
            "generated_from": null,
            "last4": self.last4(),
            "networks": {"available": [self.brand], "preferred": null},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": true},
            "wallet": null,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_found_by_number_and_name_and_passes_its_own_check() {
        for card in CARDS {
            assert!(passes_luhn(card.number), "{}", card.number);
            assert_eq!(by_number(card.number).expect("a test card").name, card.name);
            assert_eq!(by_name(&format!("pm_card_{}", card.name)).expect("a name").number, card.number);
        }
        assert_eq!(by_number("4242 4242 4242 4242").expect("spaces are allowed").name, "visa");
    }

    #[test]
    fn other_cards_are_refused() {
        let code = |number| by_number(number).expect_err(number).body()["error"]["code"].clone();
        assert_eq!(code("4111111111111111"), "card_declined");
        for number in ["4242424242424241", "", "abc", "42"] {
            assert_eq!(code(number), "incorrect_number", "{number}");
        }
    }
}
