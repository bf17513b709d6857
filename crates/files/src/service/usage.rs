//! How much is kept, and how much may be.

use quoin_audit::Entry;

use super::Files;
use super::quota::Defaults;
use crate::error::FilesError;
use crate::model::{Limits, Owner, Usage};
use crate::store::usage;

/// What a subject keeps, and the limits that hold for it.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// What it keeps, and its own limits.
    pub usage: Usage,
    /// Its own limits, and the configuration's where it has none.
    pub limits: Limits,
}

/// Tells what an organisation or a person keeps.
///
/// # Errors
/// What the database says.
pub async fn account(files: &Files, subject: Owner) -> Result<Account, FilesError> {
    let found = files.db().read("files.usage.get", move |tx| usage::find(tx, subject)).await?;
    let usage = found.unwrap_or_default();
    let limits = usage.own_limits.or(Defaults::of(files).limits(subject));
    Ok(Account { usage, limits })
}

/// Sets the limits of one organisation or person; what they leave open is the configuration's.
///
/// # Errors
/// What the database says.
pub async fn set_limits(
    files: &Files,
    subject: Owner,
    limits: Limits,
    entry: Entry,
) -> Result<Account, FilesError> {
    let (now, entry) = (files.now(), entry.on(subject));
    let set = files.db().write("files.usage.limit", move |tx| {
        usage::begin(tx, subject, now)?;
        usage::set_limits(tx, subject, limits, now)?;
        quoin_audit::record(tx, &entry)
    });
    set.await?;
    account(files, subject).await
}
