//! What a provider announces: that something about an object has changed, and never what.

use quoin_kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// A kind of object at a provider.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A product with its prices.
    Product,
    /// A price; fetched with its product.
    Price,
    /// A checkout session.
    Checkout,
    /// A subscription.
    Subscription,
    /// An invoice.
    Invoice,
    /// A refund.
    Refund,
    /// A dispute.
    Dispute,
    /// A credit note.
    CreditNote,
    /// A customer.
    Customer,
}

impl ObjectKind {
    const ALL: [Self; 9] = [
        Self::Product,
        Self::Price,
        Self::Checkout,
        Self::Subscription,
        Self::Invoice,
        Self::Refund,
        Self::Dispute,
        Self::CreditNote,
        Self::Customer,
    ];

    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Price => "price",
            Self::Checkout => "checkout",
            Self::Subscription => "subscription",
            Self::Invoice => "invoice",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::CreditNote => "credit_note",
            Self::Customer => "customer",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Names an object at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id there.
    pub id: String,
}

impl ObjectRef {
    /// Names an object.
    pub fn new(kind: ObjectKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// An event of a provider whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its id, by which it is kept once.
    pub id: String,
    /// The provider's name for what happened.
    pub kind: String,
    /// When it happened there.
    pub announced_at: Timestamp,
    /// What it is news of; nothing for events that mean nothing here.
    pub objects: Vec<ObjectRef>,
    /// Why it is kept and not followed: another mode, another account.
    pub foreign: Option<&'static str>,
}
