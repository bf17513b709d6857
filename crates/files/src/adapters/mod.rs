//! The stores: a directory of this machine, and clouds through the `object_store` crate.

pub mod cloud;
pub mod disk;

pub use cloud::Cloud;
pub use disk::Disk;
