//! Who may come in: whoever looks after the money of the active organisation, or a person without one about their own.

use std::sync::Arc;

use http::request::Parts;
use quoin_kernel::billing::Subject;
use quoin_kernel::{Problem, UserCaller};
use quoin_web::{App, Doorkeeper, HeaderMap, ManageBilling, Member, Permitted, PlatformKey, User, Who};
use serde_json::Value;

use crate::service::give_back::CallId;
use crate::service::open_portal::Payer;

/// Lets in whoever may spend: a member of the active organisation with the permission `billing.manage`, or a person who has none.
#[derive(Debug, Clone)]
pub(crate) struct BillingManager {
    pub(crate) user: Arc<UserCaller>,
    pub(crate) subject: Subject,
}

/// Lets in whoever may look: a member of the active organisation, or a person who has none.
#[derive(Debug, Clone)]
pub(crate) struct BillingViewer {
    pub(crate) subject: Subject,
}

impl Doorkeeper for BillingManager {
    const WHO: Who = Who::User;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let User { user } = User::admit(parts, app).await?;
        let subject = match user.org {
            // The role is read anew: what the token says of it may be an hour old.
            Some(_) => Subject::Org(Permitted::<ManageBilling>::admit(parts, app).await?.org_id),
            None => Subject::User(user.user_id),
        };
        Ok(Self { user, subject })
    }
}

impl Doorkeeper for BillingViewer {
    const WHO: Who = Who::User;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let User { user } = User::admit(parts, app).await?;
        let subject = match user.org {
            Some(_) => Subject::Org(Member::admit(parts, app).await?.org_id),
            None => Subject::User(user.user_id),
        };
        Ok(Self { subject })
    }
}

impl BillingManager {
    /// Says who pays, and where reminders go: only a proved address is told to anybody.
    pub(crate) fn payer(&self) -> Payer {
        let claims: Value = serde_json::from_str(&self.user.claims).unwrap_or_default();
        let verified = claims["email_verified"] != false;
        let email = claims["email"].as_str().filter(|email| verified && !email.is_empty());
        let metadata = &claims["user_metadata"];
        let language = metadata["locale"].as_str().or_else(|| metadata["language"].as_str());
        Payer {
            subject: self.subject,
            contact: self.user.user_id,
            email: email.map(str::to_owned),
            language: language.filter(|tag| tag.len() <= 35).unwrap_or("en").to_owned(),
        }
    }
}

/// Names a call of a platform key that carries an `Idempotency-Key`.
pub(super) fn call_of(who: &PlatformKey, headers: &HeaderMap, wish: &impl std::fmt::Debug) -> Option<CallId> {
    let key = headers.get("idempotency-key")?.to_str().ok()?.trim();
    Some(CallId::of(who.key.key_id.uuid(), key, &format!("{wish:?}")))
}
