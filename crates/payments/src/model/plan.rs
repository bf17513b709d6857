//! What is sold: a plan, its prices and its rules.

use quoin_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entitlement::{self, Entitlements, InvalidEntitlement};
use super::money::Currency;
use super::plan_id::PlanId;

/// The kind of thing that a [`PriceId`] names.
#[derive(Debug)]
pub enum PriceRow {}

/// Identifies a price.
pub type PriceId = Id<PriceRow>;

/// A plan that cannot be sold as it was described.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPlan {
    /// The id.
    #[error("id: a plan's id has 1 to 63 of a-z 0-9 - _ and begins with a letter or digit")]
    Id,
    /// A field.
    #[error("{field}: {problem}")]
    Field {
        /// Which.
        field: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// What it gives.
    #[error(transparent)]
    Entitlement(#[from] InvalidEntitlement),
}

/// How often a price is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// Daily.
    Day,
    /// Weekly.
    Week,
    /// Monthly.
    Month,
    /// Yearly.
    Year,
}

impl Interval {
    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month, Self::Year].into_iter().find(|one| one.as_str() == name)
    }
}

/// Who made a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanSource {
    /// An administrator, through the API.
    Api,
    /// The file `plans.toml`.
    File,
    /// Somebody at the provider's side.
    Provider,
}

impl PlanSource {
    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
            Self::Provider => "provider",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Api, Self::File, Self::Provider].into_iter().find(|one| one.as_str() == name)
    }
}

/// How a plan behaves at its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlanRules {
    /// What happens when a member more than the seats paid for would join.
    pub seats: SeatRule,
    /// What happens when somebody changes to this plan and uses more than it allows.
    pub downgrade: DowngradeRule,
    /// Whether a subject may hold this plan beside another subscription.
    pub several: bool,
}

/// What happens when a member more than the seats paid for would join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeatRule {
    /// They are refused.
    #[default]
    Refuse,
    /// The quantity at the provider follows the members.
    Follow,
}

/// What happens when somebody changes to a plan and uses more than it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DowngradeRule {
    /// The change is refused.
    #[default]
    Refuse,
    /// The change happens; what is over the limit may stay, and nothing may be added.
    Allow,
}

/// One price of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The price.
    pub id: PriceId,
    /// How often it is due; `None` for one that is due once, which is not for sale: it would open nothing.
    pub interval: Option<Interval>,
    /// Every how many of them.
    pub interval_count: u32,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Days before the first payment.
    pub trial_days: u32,
    /// Whether it is due for each seat.
    pub per_seat: bool,
    /// The meter whose use it prices, where it is a metered one.
    pub meter: Option<String>,
    /// Whether it is still sold.
    pub active: bool,
    /// Its id at the provider.
    pub remote_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name in URLs.
    pub id: PlanId,
    /// What names it at the provider for ever.
    pub uuid: Uuid,
    /// Grows with what it gives.
    pub version: i64,
    /// Its name for people.
    pub name: String,
    /// What it is, for people.
    pub description: Option<String>,
    /// Its prices, the archived ones too.
    pub prices: Vec<Price>,
    /// What it gives now.
    pub entitlements: Entitlements,
    /// How it behaves at its edges.
    pub rules: PlanRules,
    /// Who made it, or changed it here last.
    pub source: PlanSource,
    /// Whether somebody changed it at the provider since.
    pub changed_there: bool,
    /// Whether it is sold.
    pub active: bool,
    /// The product at the provider.
    pub remote_id: Option<String>,
    /// When the provider knew all of it.
    pub published_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Plan {
    /// Says who changed it last, wherever that was.
    pub const fn changed_by(&self) -> PlanSource {
        if self.changed_there { PlanSource::Provider } else { self.source }
    }

    /// Finds the price on sale for an interval and a currency; without a wish, the first one made.
    pub fn price_for(&self, interval: Option<Interval>, currency: Option<Currency>) -> Option<&Price> {
        let mut sold = self.prices.iter().filter(|price| price.active && price.meter.is_none());
        sold.find(|price| {
            (interval.is_none() || price.interval == interval)
                && currency.is_none_or(|currency| price.currency == currency)
        })
    }

    /// Lists the prices on sale whose use is metered beside a price: those of its interval and currency.
    pub fn metered_beside(&self, price: &Price) -> impl Iterator<Item = &Price> {
        let (interval, currency) = (price.interval, price.currency);
        self.prices.iter().filter(move |other| {
            other.active && other.meter.is_some() && other.interval == interval && other.currency == currency
        })
    }
}

/// A price to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// How often it is due.
    pub interval: Interval,
    /// Every how many of them; 1 by default.
    #[serde(default = "one")]
    pub interval_count: u32,
    /// Minor units.
    pub amount: i64,
    /// The currency (ISO 4217).
    pub currency: Currency,
    /// Days before the first payment.
    #[serde(default)]
    pub trial_days: u32,
    /// Whether it is due for each seat.
    #[serde(default)]
    pub per_seat: bool,
    /// The meter whose use it prices, for metered prices.
    #[serde(default)]
    pub meter: Option<String>,
}

const fn one() -> u32 {
    1
}

impl NewPrice {
    /// Tells whether `price` is this one already.
    pub fn is(&self, price: &Price) -> bool {
        Some(self.interval) == price.interval
            && self.interval_count == price.interval_count
            && self.amount == price.amount
            && self.currency == price.currency
            && self.trial_days == price.trial_days
            && self.per_seat == price.per_seat
            && self.meter == price.meter
    }

    /// Describes a price as if it were to be made again; `None` for one that is due once.
    pub fn of(price: &Price) -> Option<Self> {
        Some(Self {
            interval: price.interval?,
            interval_count: price.interval_count,
            amount: price.amount,
            currency: price.currency,
            trial_days: price.trial_days,
            per_seat: price.per_seat,
            meter: price.meter.clone(),
        })
    }
}

/// A plan to be made, or the wished state of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// Its name in URLs and code.
    pub id: PlanId,
    /// Its name for people.
    pub name: String,
    /// What it is, for people.
    #[serde(default)]
    pub description: Option<String>,
    /// Its prices; none for a plan that is free or granted.
    #[serde(default)]
    pub prices: Vec<NewPrice>,
    /// What it gives.
    #[serde(default)]
    pub entitlements: Entitlements,
    /// How it behaves at its edges.
    #[serde(default)]
    pub rules: PlanRules,
    /// Whether it is sold.
    #[serde(default = "yes")]
    pub active: bool,
}

const fn yes() -> bool {
    true
}

impl NewPlan {
    /// Checks everything that a type does not say.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn check(&self) -> Result<(), InvalidPlan> {
        check_texts(&self.name, self.description.as_deref())?;
        check_prices(&self.prices)?;
        Ok(entitlement::check(&self.entitlements)?)
    }
}

/// Checks what people read.
///
/// # Errors
/// The field that cannot be used.
pub fn check_texts(name: &str, description: Option<&str>) -> Result<(), InvalidPlan> {
    let field = |field: &str, problem| InvalidPlan::Field { field: field.to_owned(), problem };
    let shown = name.trim();
    if shown.is_empty() || shown.chars().count() > 100 || shown.chars().any(char::is_control) {
        return Err(field("name", "must have 1 to 100 characters, none of them a control character"));
    }
    if description.is_some_and(|text| text.chars().count() > 500) {
        return Err(field("description", "must have at most 500 characters"));
    }
    Ok(())
}

/// Checks prices.
///
/// # Errors
/// The first field that cannot be used, with its place in the list.
pub fn check_prices(prices: &[NewPrice]) -> Result<(), InvalidPlan> {
    if prices.len() > 20 {
        return Err(InvalidPlan::Field { field: "prices".into(), problem: "a plan has at most 20 prices" });
    }
    for (at, price) in prices.iter().enumerate() {
        let rules = [
            ((0..=99_999_999).contains(&price.amount), "amount", "must be between 0 and 99999999"),
            ((1..=36).contains(&price.interval_count), "interval_count", "must be between 1 and 36"),
            (price.trial_days <= 730, "trial_days", "must be at most 730"),
            (
                price.meter.is_none() || !price.per_seat,
                "per_seat",
                "a price is metered or per seat, not both",
            ),
            (prices[..at].iter().all(|other| other != price), "amount", "the same price is there already"),
        ];
        if let Some((_, field, problem)) = rules.into_iter().find(|(holds, ..)| !holds) {
            return Err(InvalidPlan::Field { field: format!("prices.{at}.{field}"), problem });
        }
    }
    Ok(())
}
