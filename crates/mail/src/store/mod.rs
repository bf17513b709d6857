//! The outbox and the development mailbox. Both belong to the platform: a mail may go to people of no organisation.

pub(crate) mod mailbox_global;
pub(crate) mod outbox_global;
