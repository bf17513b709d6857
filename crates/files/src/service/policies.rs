//! Permission by policies on `storage.objects`, asked in the transaction of what they permit.
//!
//! Whose objects somebody means is settled before: objects are looked up under one owner, so a bucket that no policy
//! speaks of needs no question at all. Who names another owner than their own is let in only by policies.

use std::fmt;
use std::sync::Arc;

use quoin_db::Tx;
use quoin_kernel::{Caller, Problem};
use quoin_policy::PolicyError;
use quoin_policy::catalogue::Catalogue;
use quoin_policy::model::requester::{RequestRole, Requester as Asker};
use quoin_policy::model::storage_objects::ObjectRow;
use quoin_policy::object_guard::{Act, Asked};
use serde_json::json;

use super::Files;
use crate::error::FilesError;
use crate::model::{Bucket, Object, Owner};

/// What policies say to one caller. The default says yes to everything: it is for what needs no permission.
#[derive(Clone, Default)]
pub struct Policies(Option<Arc<Asking>>);

struct Asking {
    catalogue: Arc<Catalogue>,
    asker: Asker,
    is_foreign: bool,
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policies").field(&self.0.as_ref().map(|asking| asking.asker.role)).finish()
    }
}

impl Policies {
    /// Reads the present policies for a caller, who may have named another owner than their own.
    ///
    /// # Errors
    /// [`FilesError::NotYours`] for a foreign owner where there are no policies at all.
    pub(crate) async fn of(files: &Files, caller: &Caller, is_foreign: bool) -> Result<Self, FilesError> {
        let asker = Asker::of(caller, files.now());
        let Some(catalogues) =
            files.guests().catalogues.as_ref().filter(|_| asker.role != RequestRole::Service)
        else {
            return if is_foreign { Err(FilesError::NotYours) } else { Ok(Self::default()) };
        };
        let catalogue = catalogues.catalogue().await.map_err(FilesError::Body)?;
        Ok(Self(Some(Arc::new(Asking { catalogue, asker, is_foreign }))))
    }

    /// Tells whether policies decide in this bucket.
    ///
    /// # Errors
    /// [`FilesError::NotYours`] where they do not and the owner is another.
    pub(crate) fn decide(&self, bucket: &Bucket) -> Result<bool, FilesError> {
        let Some(asking) = &self.0 else { return Ok(false) };
        let decide = asking.catalogue.objects()?.governs(bucket.name.as_str());
        if asking.is_foreign && !decide { Err(FilesError::NotYours) } else { Ok(decide) }
    }

    /// Tells for each object of a bucket whether the act is permitted.
    pub(crate) fn admit(
        &self,
        tx: &mut Tx<'_>,
        bucket: &Bucket,
        act: Act,
        objects: &[Object],
    ) -> Result<Vec<bool>, FilesError> {
        let Some(asking) = self.0.as_ref().filter(|_| !objects.is_empty()) else {
            return Ok(vec![true; objects.len()]);
        };
        if !self.decide(bucket)? {
            return Ok(vec![true; objects.len()]);
        }
        let rows: Vec<ObjectRow> = objects.iter().map(|object| row(bucket, object)).collect();
        let asked = Asked { catalogue: &asking.catalogue, requester: &asking.asker };
        Ok(asking.catalogue.objects()?.admits(tx, asked, bucket.name.as_str(), act, &rows)?)
    }

    /// Returns the object if it may be seen. In a public bucket everybody sees everything.
    pub(crate) fn seen(
        &self,
        tx: &mut Tx<'_>,
        bucket: &Bucket,
        object: Option<Object>,
    ) -> Result<Option<Object>, FilesError> {
        let sees = match &object {
            Some(_) if bucket.rules.public => true,
            Some(object) => self.may(tx, bucket, Act::Read, object)?,
            None => self.decide(bucket).map(|_| true)?,
        };
        Ok(object.filter(|_| sees))
    }

    /// Tells whether an act is permitted.
    pub(crate) fn may(
        &self,
        tx: &mut Tx<'_>,
        bucket: &Bucket,
        act: Act,
        object: &Object,
    ) -> Result<bool, FilesError> {
        Ok(self.admit(tx, bucket, act, std::slice::from_ref(object))? == [true])
    }

    /// Demands that an object may be put under its name: as a new one, or in place of the one that is there.
    ///
    /// # Errors
    /// [`FilesError::PolicyRefuses`].
    pub(crate) fn demand_put(
        &self,
        tx: &mut Tx<'_>,
        bucket: &Bucket,
        present: Option<&Object>,
        object: &Object,
    ) -> Result<(), FilesError> {
        let may = match present {
            None => self.may(tx, bucket, Act::Insert, object)?,
            Some(present) => {
                self.may(tx, bucket, Act::Read, present)?
                    && self.may(tx, bucket, Act::Change, present)?
                    && self.may(tx, bucket, Act::Leave, object)?
            }
        };
        if may { Ok(()) } else { Err(FilesError::PolicyRefuses) }
    }
}

/// Describes an object as policies know it.
fn row(bucket: &Bucket, object: &Object) -> ObjectRow {
    let Object { version, owner, .. } = object;
    let person = match owner {
        Owner::Person(user_id) => Some(*user_id),
        Owner::Organization(_) | Owner::Platform => object.created_by,
    };
    ObjectRow {
        id: object.id.uuid(),
        bucket_id: bucket.name.to_string(),
        name: object.name.to_string(),
        owner: person.map(quoin_kernel::Id::uuid),
        org_id: owner.org_id().map(quoin_kernel::Id::uuid),
        metadata: json!({
            "size": version.size_bytes,
            "contentLength": version.size_bytes,
            "mimetype": version.description.content_type,
            "cacheControl": version.description.cache_control,
            "eTag": version.etag(),
        }),
        created_at: object.created_at,
        updated_at: object.updated_at,
    }
}

impl From<PolicyError> for FilesError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Db(error) => Self::Db(error),
            // A policy that cannot be applied is its author's to mend; whoever calls is only refused.
            other => Self::Body(Problem::internal(other)),
        }
    }
}
