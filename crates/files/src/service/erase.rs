//! Erasing what belonged to an organisation or a person who is gone.

use super::Files;
use super::delete_objects::remove;
use super::intent::Removal;
use super::quota::Defaults;
use super::resumable;
use crate::error::FilesError;
use crate::model::Owner;
use crate::store::{objects_global, usage};

/// How many objects one transaction removes.
const BATCH: u32 = 500;

/// Removes every object of an owner, their counters, and their name as the one who stored others' objects. May be
/// interrupted and begun again.
///
/// # Errors
/// What the database says.
pub async fn erase(files: &Files, owner: Owner) -> Result<(), FilesError> {
    loop {
        let now = files.now();
        let ending = resumable::Ending::new(files);
        let (removal, defaults) = (Removal::new(files, now), Defaults::of(files));
        let erased = files.db().write("files.erase", move |tx| {
            let found = objects_global::list_some_of(tx, owner.id(), BATCH)?;
            remove(tx, &found, (&removal, &defaults), now)?;
            if found.is_empty() {
                resumable::erase(tx, owner, &ending)?;
                if let Owner::Person(user_id) = owner {
                    objects_global::forget_person(tx, user_id)?;
                }
                usage::delete(tx, owner)?;
            }
            Ok::<_, FilesError>(found.is_empty())
        });
        if erased.await? {
            // A log that somebody reads from is emptied by the hour.
            return Ok(files.db().empty_log().await.map(drop)?);
        }
    }
}
