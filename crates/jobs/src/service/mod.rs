//! The verbs: enqueue and publish in the caller's transaction; list, retry and delete for administrators.

mod administer;
mod enqueue;

pub use administer::{delete, list, retry};
pub(crate) use enqueue::TOPIC;
pub use enqueue::{enqueue, publish};
