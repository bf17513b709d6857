//! The verbs: enqueue and publish in the caller's transaction; list, retry and delete for administrators.

mod administer;
mod enqueue;
mod take_over;

pub use administer::{delete, list, retry};
pub(crate) use enqueue::TOPIC;
pub use enqueue::{enqueue, publish};
pub use take_over::take_over;
