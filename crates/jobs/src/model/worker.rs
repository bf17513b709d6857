//! What a worker is called.

use quoin_kernel::Id;

/// The kind of thing that a [`WorkerId`] names.
#[derive(Debug)]
pub enum WorkerKind {}

/// Identifies one run of a worker: a process that starts again is another one.
pub type WorkerId = Id<WorkerKind>;
