//! The stores: a directory of this machine, and clouds through the `object_store` crate. And a scanner: ClamAV.

pub mod clamd;
pub mod cloud;
pub mod disk;

pub use clamd::Clamd;
pub use cloud::Cloud;
pub use disk::Disk;
