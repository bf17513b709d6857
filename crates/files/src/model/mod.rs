//! The nouns and their rules, without I/O.

pub mod bucket;
pub mod conditions;
pub mod danger;
pub mod key;
pub mod name;
pub mod object;
pub mod owner;
pub mod range;
pub mod requester;
pub mod resumable;
pub mod ticket;
pub mod usage;

pub use bucket::{Bucket, BucketId, BucketRules};
pub use key::{StoreKey, StoreKind};
pub use name::{BucketName, ObjectName};
pub use object::{Description, Object, ObjectId, Version, VersionId};
pub use owner::Owner;
pub use requester::{OwnerIn, Requester};
pub use usage::{Limits, Usage};

#[cfg(test)]
mod tests;
