//! The verbs: ask for a mail, deliver it, forget an address, purge, read the mailbox.

mod deliver;
mod enqueue;
mod mailbox;
mod purge;

pub use deliver::Deliverer;
pub use enqueue::{enqueue, forget, forget_template};
pub use mailbox::{clear_mailbox, list_mailbox};
pub(crate) use purge::purge;
