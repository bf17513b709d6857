//! The sections `[payments]` and `[stripe]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use quoin_kernel::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::PlanId;
use crate::model::dunning::Reminders;

/// Who makes customers pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// Stripe, or its twin.
    #[default]
    Stripe,
    /// Invoices by bank transfer, confirmed by an administrator.
    Manual,
}

/// What happens to a subscription whose payment was given back or is disputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Consequence {
    /// Nothing.
    Keep,
    /// The plan gives nothing until that is settled, or a later period is paid.
    #[default]
    Restrict,
}

/// How plans are sold and kept.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentsConfig {
    /// Who makes customers pay: `stripe` or `manual`.
    pub provider: ProviderName,
    /// The plan of those who do not pay. Without one they have nothing of what any plan limits or switches on.
    pub default_plan: Option<String>,
    /// Where people find larger plans, in refusals and mails; the site URL by default.
    pub upgrade_url: Option<String>,
    /// A file with the wished plans; at start they are made where they are missing, and differences are reported.
    pub plans_file: Option<PathBuf>,
    /// Days for which a missing payment changes nothing.
    pub grace_days: u32,
    /// Days for which more than a limit of mode `grace` is allowed.
    pub limit_grace_days: u32,
    /// After how many days of a missing payment people are reminded.
    pub reminder_days: Vec<u32>,
    /// Minutes after which a checkout that nobody finished is closed; 30 at least, 1440 at most. A bank transfer has 14 days.
    pub checkout_minutes: u32,
    /// Whether people may give a tax id at checkout.
    pub collect_tax_id: bool,
    /// What a disputed payment does: `keep` or `restrict`.
    pub on_dispute: Consequence,
    /// What it does that all of what was paid for the present period is given back: `keep` leaves the plan until the period ends,
    /// `restrict` takes it until another period is paid.
    pub on_refund: Consequence,
    /// Minutes between two comparisons with the provider.
    pub reconcile_minutes: u32,
    /// Days for which events and fetches are kept, so that the state of a subscription can be explained.
    pub keep_days: u32,
    /// What customers of the manual provider read about where to send money.
    pub bank_details: Option<String>,
}

impl Default for PaymentsConfig {
    fn default() -> Self {
        Self {
            provider: ProviderName::Stripe,
            default_plan: None,
            upgrade_url: None,
            plans_file: None,
            grace_days: 7,
            limit_grace_days: 7,
            reminder_days: vec![0, 3, 6],
            checkout_minutes: 60,
            collect_tax_id: false,
            on_dispute: Consequence::Restrict,
            on_refund: Consequence::Keep,
            reconcile_minutes: 60,
            keep_days: 400,
            bank_details: None,
        }
    }
}

impl PaymentsConfig {
    /// Says what is wrong with the section, if anything is.
    ///
    /// # Errors
    /// The first value outside its range.
    pub fn validate(&self) -> Result<(), String> {
        if !(30..=1440).contains(&self.checkout_minutes) {
            return Err("payments.checkout_minutes must be between 30 and 1440".into());
        }
        if !(1..=10_080).contains(&self.reconcile_minutes) {
            return Err("payments.reconcile_minutes must be between 1 and 10080".into());
        }
        if self.keep_days < 31 {
            return Err("payments.keep_days must be 31 or more: providers repeat events for days".into());
        }
        if self.default_plan.as_deref().is_some_and(|plan| plan.parse::<PlanId>().is_err()) {
            return Err("payments.default_plan must be the id of a plan".into());
        }
        match &self.upgrade_url {
            Some(url) if Url::parse(url).is_err() => Err("payments.upgrade_url must be a URL".into()),
            _ => Ok(()),
        }
    }

    /// How long a missing payment changes nothing.
    pub fn grace(&self) -> Duration {
        days(self.grace_days)
    }

    /// How long more than a limit of mode `grace` is allowed.
    pub fn limit_grace(&self) -> Duration {
        days(self.limit_grace_days)
    }

    /// When people are reminded.
    pub fn reminders(&self) -> Reminders {
        Reminders::new(&self.reminder_days)
    }

    /// The plan of those who do not pay.
    pub fn default_plan(&self) -> Option<PlanId> {
        self.default_plan.as_deref().and_then(|plan| plan.parse().ok())
    }
}

/// Credentials for Stripe.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StripeConfig {
    /// The secret or restricted key: `sk_live_…`, `sk_test_…`, `rk_…`.
    pub secret_key: Option<Secret<String>>,
    /// The signing secret of the webhook endpoint; while it is being rotated, both, separated by a comma.
    pub webhook_secret: Option<Secret<String>>,
    /// Only events of this connected account are followed; without it only the account's own.
    pub account: Option<String>,
    /// Another address than Stripe's own, for a twin.
    pub api_url: Option<String>,
}

impl StripeConfig {
    /// Says what is wrong with the section, if anything is.
    ///
    /// # Errors
    /// A key or address that cannot be one, or an empty signing secret.
    pub fn validate(&self) -> Result<(), String> {
        if let Some(key) = &self.secret_key
            && !["sk_live_", "sk_test_", "rk_live_", "rk_test_"]
                .iter()
                .any(|start| key.expose().starts_with(start))
        {
            return Err("stripe.secret_key must begin with sk_live_, sk_test_, rk_live_ or rk_test_".into());
        }
        if let Some(secret) = &self.webhook_secret
            && secret.expose().split(',').any(|one| one.trim().len() < 8)
        {
            return Err("stripe.webhook_secret holds a secret that is empty or too short to be one".into());
        }
        match self.api_url.as_deref().map(Url::parse) {
            Some(Err(_)) => Err("stripe.api_url must be a URL".into()),
            _ => Ok(()),
        }
    }

    /// Returns each signing secret.
    pub fn webhook_secrets(&self) -> Vec<Secret<String>> {
        let all = self.webhook_secret.as_ref().map(|secret| secret.expose().as_str()).unwrap_or_default();
        all.split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(|one| Secret::new(one.to_owned()))
            .collect()
    }
}

fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 86_400)
}
