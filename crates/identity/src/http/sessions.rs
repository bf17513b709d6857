//! `/auth/v1/sessions`: where a person is signed in.

use quoin_kernel::{SessionId, Timestamp};
use quoin_web::{Ctx, Json, Operation, Refusal, RoutesFor, State, StatusCode, User, ValidPath, Who};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::model::session::ListedSession;
use crate::service;

/// A session of the caller.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedSessionOut {
    /// The session.
    id: SessionId,
    /// Whether this call belongs to it.
    current: bool,
    /// `aal1` or `aal2`.
    aal: &'static str,
    /// How the person showed who they are.
    method: &'static str,
    /// The network address it was used from last.
    ip: Option<String>,
    /// What the program called itself that used it last.
    user_agent: Option<String>,
    /// When it was opened.
    created_at: Timestamp,
    /// When it was last refreshed.
    refreshed_at: Timestamp,
}

/// A person's sessions, the one used last first.
#[derive(Debug, Serialize, JsonSchema)]
struct SessionsOut {
    /// The sessions.
    data: Vec<ListedSessionOut>,
    /// Always null: a person has a thousand sessions at most.
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct SessionPath {
    /// The session.
    session_id: SessionId,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/sessions", "identity.session.list")
                .summary("Lists where the caller is signed in, with device and place.")
                .caller(Who::User)
                .gives::<SessionsOut>(200),
            list,
        )
        .add(
            Operation::delete("/auth/v1/sessions/{session_id}", "identity.session.revoke")
                .summary("Ends one of the caller's sessions at once.")
                .caller(Who::User)
                .gives_nothing(204),
            revoke,
        )
}

async fn list(ctx: Ctx<User>, State(identity): State<Identity>) -> Result<Json<SessionsOut>, Refusal> {
    let current = ctx.who.user.session_id;
    let sessions = service::list_sessions(&identity, &ctx.who.user).await?;
    let data = sessions.into_iter().map(|session| ListedSessionOut::of(session, current)).collect();
    Ok(Json(SessionsOut { data, next_cursor: None }))
}

async fn revoke(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<SessionPath>,
) -> Result<StatusCode, Refusal> {
    service::revoke_session(&identity, &ctx.who.user, path.session_id, &ctx.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ListedSessionOut {
    fn of(session: ListedSession, current: SessionId) -> Self {
        Self {
            id: session.id,
            current: session.id == current,
            aal: session.aal.as_str(),
            method: session.method.as_str(),
            ip: session.ip,
            user_agent: session.user_agent,
            created_at: session.created_at,
            refreshed_at: session.refreshed_at,
        }
    }
}
