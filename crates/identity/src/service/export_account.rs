//! Everything that is kept of a person, in one file.

use quoin_audit::{Actor, Filter, Recorded};
use quoin_kernel::page::Page;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserCaller, UserId};
use serde_json::{Value, json};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::session::ListedSession;
use crate::model::{ExternalIdentity, Factor, Link, User};
use crate::service::step_up::own_strong_session;
use crate::store::{links_global, sessions_global, users_global};

/// How many entries of the trail a page holds, and how many pages there are at most.
const ENTRIES: Page = Page { limit: 1000, after: None };
const PAGES: usize = 10;

/// Exports the caller's own account.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `session_not_found`.
pub async fn export_own_account(
    identity: &Identity,
    caller: &UserCaller,
    origin: &Origin,
) -> Result<Value, Problem> {
    own_strong_session(identity, caller, origin).await?;
    export_account(identity, caller.user_id, Actor::User(caller.user_id), origin).await
}

/// Exports a person's account: what they have said, what was said of them, where they belong and what they did. Secrets
/// stay: nobody needs the hash of a password to know what is kept of them.
///
/// # Errors
/// `user_not_found`.
pub async fn export_account(
    identity: &Identity,
    user_id: UserId,
    actor: Actor,
    origin: &Origin,
) -> Result<Value, Problem> {
    let entry = identity.entry(actor, "identity.user.exported", origin).on(user_id);
    let now = origin.now;
    let mut file = identity
        .db()
        .write("identity.user.export_account", move |tx| {
            let user = users_global::find(tx, user_id)?.ok_or(IdentityError::UserNotFound)?;
            let sessions = sessions_global::list(tx, user_id)?;
            let links = links_global::list_alive(tx, user_id, now)?;
            // To whom an address belongs that nobody has proved is not known, nor whose its invitations are.
            let address = user.email.clone().filter(|_| user.is_proved());
            let whose = (user.realm.org_id(), user_id);
            let belongs = quoin_tenancy::kept_of_person(tx, whose, &Vec::from_iter(address))?;
            quoin_audit::record(tx, &entry)?;
            Ok::<_, Problem>(json!({
                "exported_at": now,
                "account": account(&user),
                "identities": user.identities.iter().map(linked).collect::<Vec<_>>(),
                "factors": user.factors.iter().map(factor).collect::<Vec<_>>(),
                "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
                "links": links.iter().map(link).collect::<Vec<_>>(),
                "organizations": belongs,
            }))
        })
        .await?;
    let id = user_id.to_string();
    file["done_by_them"] = json!(trail(identity, Some(id.clone()), None).await?);
    let about = trail(identity, None, Some(id.clone())).await?;
    // Who else did it, and from where, is theirs.
    let others = about.into_iter().filter(|entry| entry.actor_id.as_ref() != Some(&id));
    let others = others.map(|entry| json!({"at": entry.at, "action": entry.action, "by": entry.actor_kind}));
    file["done_about_them"] = others.collect();
    Ok(file)
}

/// Reads the newest entries of the trail, ten thousand at most.
async fn trail(
    identity: &Identity,
    actor: Option<String>,
    target: Option<String>,
) -> Result<Vec<Recorded>, Problem> {
    let mut filter =
        Filter { org_id: None, actor, action: None, target, since: None, until: None, page: ENTRIES };
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let listed = quoin_audit::list(identity.db(), filter.clone()).await?;
        let last = listed.data.last().map(|entry| entry.id.uuid());
        entries.extend(listed.data);
        if listed.next_cursor.is_none() {
            break;
        }
        filter.page.after = last;
    }
    Ok(entries)
}

fn account(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "new_email": user.new_email,
        "email_confirmed_at": user.email_confirmed_at,
        "has_password": user.password_hash.is_some(),
        "is_anonymous": user.is_anonymous,
        "user_metadata": user.user_metadata.object(),
        "app_metadata": user.app_metadata.object(),
        "banned_until": user.banned_until,
        "invited_at": user.invited_at,
        "confirmation_sent_at": user.confirmation_sent_at,
        "recovery_sent_at": user.recovery_sent_at,
        "email_change_sent_at": user.email_change_sent_at,
        "last_sign_in_at": user.last_sign_in_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}

fn linked(identity: &ExternalIdentity) -> Value {
    json!({
        "provider": identity.provider,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "said": identity.data,
        "last_sign_in_at": identity.last_sign_in_at,
        "created_at": identity.created_at,
    })
}

fn factor(factor: &Factor) -> Value {
    json!({
        "id": factor.id,
        "kind": factor.kind.as_str(),
        "friendly_name": factor.friendly_name,
        "created_at": factor.created_at,
        "verified_at": factor.verified_at,
    })
}

fn session(session: &ListedSession) -> Value {
    json!({
        "id": session.id,
        "method": session.method.as_str(),
        "aal": session.aal.as_str(),
        "ip": session.ip,
        "user_agent": session.user_agent,
        "created_at": session.created_at,
        "refreshed_at": session.refreshed_at,
    })
}

fn link(link: &Link) -> Value {
    json!({
        "purpose": link.purpose.as_str(),
        "email": link.email,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
    })
}
