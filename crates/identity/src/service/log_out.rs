//! Logging out: on this device, on all others, or everywhere.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserCaller};
use serde::Deserialize;

use crate::Identity;
use crate::service::end_sessions::{end_session, end_sessions};
use crate::store::sessions_global;

/// Which sessions of the person end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogoutScope {
    /// All of them.
    #[default]
    Global,
    /// This one.
    Local,
    /// All but this one.
    Others,
}

/// Ends sessions of the caller; their tokens are refused from the next request on.
pub async fn log_out(
    identity: &Identity,
    caller: &UserCaller,
    scope: LogoutScope,
    origin: &Origin,
) -> Result<(), Problem> {
    let sso_org_id = caller.sso_org_id;
    let (user_id, session_id, now) = (caller.user_id, caller.session_id, origin.now);
    let entry = identity
        .entry(Actor::User(user_id), "identity.session.ended", origin)
        .on(session_id)
        .detail(serde_json::json!({"scope": scope.as_str()}));
    let inside = identity.clone();
    identity
        .db()
        .write("identity.session.end", move |tx| {
            match (scope, sso_org_id) {
                (LogoutScope::Local, _) => end_session(tx, &inside, session_id, now)?,
                (LogoutScope::Global, None) => end_sessions(tx, &inside, user_id, None, now)?,
                (LogoutScope::Others, None) => {
                    end_sessions(tx, &inside, user_id, Some(session_id), now)?;
                }
                // A session of the organisation's ends the organisation's, never the person's own.
                (LogoutScope::Global | LogoutScope::Others, Some(org_id)) => {
                    for id in sessions_global::list_sso_ids(tx, user_id, org_id)? {
                        if id != session_id || scope == LogoutScope::Global {
                            end_session(tx, &inside, id, now)?;
                        }
                    }
                }
            }
            quoin_audit::record(tx, &entry)?;
            Ok(())
        })
        .await
}

impl LogoutScope {
    /// Returns the text that clients send.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Local => "local",
            Self::Others => "others",
        }
    }
}
