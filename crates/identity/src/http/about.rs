//! `/auth/v1/settings` and `health`: what clients ask before anybody signs in.

use std::collections::BTreeMap;

use quoin_web::{Ctx, Json, Operation, RoutesFor, State, Unidentified, Who};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Identity;
use crate::config::Unverified;

/// How people may sign up and in here.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the contract's own shape")]
struct SettingsOut {
    /// Which providers vouch for people.
    external: External,
    /// Whether nobody can sign themselves up.
    disable_signup: bool,
    /// Whether addresses count as proved at sign-up.
    mailer_autoconfirm: bool,
    /// Always false.
    phone_autoconfirm: bool,
    /// Always empty.
    sms_provider: &'static str,
    /// Always false.
    saml_enabled: bool,
}

/// Which providers vouch for people.
#[derive(Debug, Serialize, JsonSchema)]
struct External {
    /// Address and password.
    email: bool,
    /// Telephone numbers.
    phone: bool,
    /// Nobody at all.
    anonymous_users: bool,
    /// Each configured provider, by name.
    #[serde(flatten)]
    providers: BTreeMap<String, bool>,
}

/// Says what answers here.
#[derive(Debug, Serialize, JsonSchema)]
struct HealthOut {
    /// The program.
    name: &'static str,
    /// Its version.
    version: &'static str,
    /// What it is.
    description: &'static str,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/settings", "identity.settings.get")
                .summary("Says how people may sign up and in.")
                .caller(Who::Unidentified)
                .gives::<SettingsOut>(200),
            settings,
        )
        .add(
            Operation::get("/auth/v1/health", "identity.health.get")
                .summary("Says what answers here.")
                .caller(Who::Unidentified)
                .gives::<HealthOut>(200),
            health,
        )
}

async fn settings(_: Ctx<Unidentified>, State(identity): State<Identity>) -> Json<SettingsOut> {
    Json(SettingsOut {
        external: External {
            email: true,
            phone: false,
            anonymous_users: identity.config().anonymous,
            providers: identity.providers().iter().map(|provider| (provider.name.clone(), true)).collect(),
        },
        disable_signup: !identity.config().sign_up,
        mailer_autoconfirm: identity.config().unverified == Unverified::Autoconfirm,
        phone_autoconfirm: false,
        sms_provider: "",
        saml_enabled: false,
    })
}

async fn health(_: Ctx<Unidentified>) -> Json<HealthOut> {
    Json(HealthOut {
        name: "Quoin",
        version: env!("CARGO_PKG_VERSION"),
        description: "User Authentication API",
    })
}
