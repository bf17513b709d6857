//! The keys that exist before anybody could have made one: preset by configuration, or generated at the first start.

use quoin_db::DbError;
use quoin_kernel::{Problem, Secret, Timestamp};

use super::create_api_key::{CreateApiKey, row};
use crate::Identity;
use crate::model::api_key::{KeyKind, check_preset};
use crate::store::api_keys_global::{self as store, NewApiKey};

/// Keys that the configuration sets.
#[derive(Debug, Default, Clone)]
pub struct PresetKeys {
    /// `QUOIN_PUBLISHABLE_KEY`.
    pub publishable: Option<String>,
    /// `QUOIN_SECRET_KEY`: platform-wide, with every scope.
    pub secret: Option<Secret<String>>,
}

/// Keys that were generated just now; shown once.
#[derive(Debug, Default)]
pub struct FirstKeys {
    /// The publishable key, where none existed.
    pub publishable: Option<String>,
    /// The secret key, where none existed.
    pub secret: Option<Secret<String>>,
}

impl Identity {
    /// Stores the preset keys, ends those that were preset before, and generates what is missing.
    ///
    /// # Errors
    /// 400 for a preset key with the wrong prefix or length.
    pub async fn ensure_first_keys(&self, preset: &PresetKeys) -> Result<FirstKeys, Problem> {
        let secret = preset.secret.as_ref().map(|key| key.expose().clone());
        Ok(FirstKeys {
            publishable: self.ensure_key(KeyKind::Publishable, preset.publishable.clone()).await?,
            secret: self.ensure_key(KeyKind::Secret, secret).await?.map(Secret::new),
        })
    }

    async fn ensure_key(&self, kind: KeyKind, preset: Option<String>) -> Result<Option<String>, Problem> {
        if let Some(key) = &preset {
            check_preset(kind, key).map_err(|error| Problem::invalid(error.to_string()))?;
        }
        let generated = kind.generate(self.app().rng());
        let wish = CreateApiKey {
            name: if preset.is_some() { "preset".into() } else { "first".into() },
            kind,
            scopes: if kind == KeyKind::Secret { vec!["*".into()] } else { Vec::new() },
            org_id: None,
            expires_at: None,
        };
        let mut new = row(&wish, preset.as_deref().unwrap_or(&generated), self.app().id(), None);
        new.is_preset = preset.is_some();
        let now = self.app().now();
        let made = self.db().write("identity.api_key.first", move |tx| ensure(tx, &new, now)).await?;
        Ok((made && preset.is_none()).then_some(generated))
    }
}

/// Stores the key where it is needed; true if it was.
fn ensure(tx: &mut quoin_db::Tx<'_>, new: &NewApiKey, now: Timestamp) -> Result<bool, DbError> {
    if !new.is_preset {
        if store::count(tx, new.kind)? > 0 {
            return Ok(false);
        }
        store::insert(tx, new, now)?;
        return Ok(true);
    }
    store::revoke_other_presets(tx, new.kind, &new.hash, now)?;
    if store::renew_preset(tx, &new.hash)? {
        return Ok(false);
    }
    if store::find_by_hash(tx, &new.hash)?.is_none() {
        store::insert(tx, new, now)?;
    }
    Ok(true)
}
