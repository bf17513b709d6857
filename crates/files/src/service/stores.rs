//! The stores of this instance: one takes what is new, all that are configured are read.

use std::sync::Arc;

use crate::model::StoreKind;
use crate::port::{ObjectStore, StoreError};

/// The stores that are open.
#[derive(Clone)]
pub struct Stores {
    active: Arc<dyn ObjectStore>,
    others: Vec<Arc<dyn ObjectStore>>,
}

/// A row names a store that is not configured any more.
#[derive(Debug, thiserror::Error)]
#[error("objects lie in the store {0}, which is not configured")]
struct NotConfigured(&'static str);

impl Stores {
    /// Opens with the store that takes what is new.
    pub fn new(active: Arc<dyn ObjectStore>) -> Self {
        Self { active, others: Vec::new() }
    }

    /// Adds a store that is read, and that a copy may fill.
    #[must_use]
    pub fn and(mut self, other: Arc<dyn ObjectStore>) -> Self {
        if other.kind() != self.active.kind() {
            self.others.push(other);
        }
        self
    }

    /// Returns the store that takes what is new.
    pub fn active(&self) -> &Arc<dyn ObjectStore> {
        &self.active
    }

    /// Returns all of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn ObjectStore>> {
        std::iter::once(&self.active).chain(&self.others)
    }

    /// Returns the store of a kind.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where it is not configured.
    pub fn of(&self, kind: StoreKind) -> Result<&Arc<dyn ObjectStore>, StoreError> {
        let found = self.all().find(|store| store.kind() == kind);
        found.ok_or_else(|| StoreError::Failed(Box::new(NotConfigured(kind.as_str()))))
    }
}
