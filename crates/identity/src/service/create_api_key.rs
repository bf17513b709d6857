//! Makes an API key; the key itself is shown once and never stored.

use quoin_audit::Actor;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{ApiKeyCaller, Id, OrgId, Problem, Secret, Timestamp};
use serde_json::json;

use crate::Identity;
use crate::model::api_key::{ApiKey, KeyKind, SCOPES};
use crate::store::api_keys_global::{self as store, NewApiKey};

/// Characters of a key that stay readable, to tell keys apart: its prefix and four more.
const SHOWN: usize = 14;

/// What is asked for.
#[derive(Debug)]
pub struct CreateApiKey {
    /// What people will call it.
    pub name: String,
    /// What it is for.
    pub kind: KeyKind,
    /// What it may do; never more than the creator may.
    pub scopes: Vec<String>,
    /// The organisation it is confined to.
    pub org_id: Option<OrgId>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

/// A new key. This is the only moment at which the key itself can be read.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// What is stored of it.
    pub stored: ApiKey,
    /// The key.
    pub key: Secret<String>,
}

impl Identity {
    /// Makes a key in the name of another key, whose scopes and organisation it cannot exceed.
    ///
    /// # Errors
    /// 400 for an unknown scope, 403 for one that the creator does not hold, or an end after the creator's own.
    pub async fn create_api_key(
        &self,
        creator: &ApiKeyCaller,
        origin: &Origin,
        wish: CreateApiKey,
    ) -> Result<CreatedApiKey, Problem> {
        check(creator, &wish, origin.now)?;
        let key = Secret::new(wish.kind.generate(self.app().rng()));
        let row = row(&wish, key.expose(), self.app().id(), Some(creator.key_id.to_string()));
        let stored = stored(&row, origin.now);
        let detail = json!({"name": row.name, "kind": row.kind.as_str(), "scopes": row.scopes});
        let entry = self.entry(Actor::ApiKey(creator.key_id), "identity.api_key.created", origin);
        let entry = entry.on(row.id).detail(detail).in_org_of(row.org_id);
        let (now, creator_id) = (origin.now, creator.key_id);
        let write = self.db().write("identity.api_key.create", move |tx| {
            if let Some(org_id) = row.org_id
                && !quoin_tenancy::is_usable(tx, org_id)?
            {
                return Err(unknown_organisation());
            }
            check_end(store::get(tx, creator_id)?.as_ref(), row.expires_at)?;
            store::insert(tx, &row, now)?;
            Ok(quoin_audit::record(tx, &entry)?)
        });
        write.await?;
        Ok(CreatedApiKey { stored, key })
    }
}

fn check(creator: &ApiKeyCaller, wish: &CreateApiKey, now: Timestamp) -> Result<(), Problem> {
    if wish.name.trim().is_empty() || wish.name.chars().count() > 100 {
        return Err(Problem::invalid("A key needs a name of at most 100 characters.")
            .field("name", "1 to 100 characters"));
    }
    if wish.kind == KeyKind::Secret && wish.scopes.is_empty() {
        return Err(
            Problem::invalid("A secret key needs at least one scope.").field("scopes", "must not be empty")
        );
    }
    if wish.expires_at.is_some_and(|end| end <= now) {
        return Err(
            Problem::invalid("The key would have expired already.").field("expires_at", "lies in the past")
        );
    }
    if let Some(unknown) = wish.scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        let known = SCOPES.join(", ");
        return Err(Problem::invalid(format!("There is no scope {unknown:?}. Known: {known}."))
            .field("scopes", "unknown scope"));
    }
    if let Some(beyond) = wish.scopes.iter().find(|scope| !creator.allows(scope)) {
        return Err(Problem::forbidden(format!(
            "Your key does not hold the scope {beyond:?}, so it cannot give it."
        )));
    }
    if creator.org_id.is_some() && creator.org_id != wish.org_id {
        return Err(Problem::forbidden("A key of an organisation can only make keys of that organisation."));
    }
    Ok(())
}

/// Refuses a key that would outlive its creator: whoever holds a key for a day could otherwise keep what it opens.
fn check_end(creator: Option<&ApiKey>, expires_at: Option<Timestamp>) -> Result<(), Problem> {
    let end = creator.and_then(|key| key.expires_at);
    let outlives = end.is_some_and(|end| expires_at.is_none_or(|wished| wished > end));
    if !outlives {
        return Ok(());
    }
    Err(Problem::forbidden("Your key ends by itself, so it can make only keys that end no later.")
        .field("expires_at", "must not be after the end of the key that you use"))
}

fn unknown_organisation() -> Problem {
    let why = "names no organisation";
    Problem::invalid(format!("org_id {why}.")).field("org_id", why)
}

/// Builds the row of a key.
pub(super) fn row(
    wish: &CreateApiKey,
    key: &str,
    id: Id<quoin_kernel::id::ApiKey>,
    created_by: Option<String>,
) -> NewApiKey {
    NewApiKey {
        id,
        org_id: wish.org_id,
        kind: wish.kind,
        name: wish.name.trim().to_owned(),
        hash: sha256(key.as_bytes()),
        start: key.chars().take(SHOWN).collect(),
        scopes: wish.scopes.clone(),
        is_preset: false,
        created_by,
        expires_at: wish.expires_at,
    }
}

fn stored(row: &NewApiKey, now: Timestamp) -> ApiKey {
    ApiKey {
        id: row.id,
        org_id: row.org_id,
        kind: row.kind,
        name: row.name.clone(),
        start: row.start.clone(),
        scopes: row.scopes.clone(),
        created_at: now,
        expires_at: row.expires_at,
        last_used_at: None,
        revoked_at: None,
    }
}
