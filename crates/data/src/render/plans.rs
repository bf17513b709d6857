//! Plans of how rows are written, each made once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use quoin_policy::catalogue::TableEntry;
use quoin_policy::model::table::Table;

use super::Plan;
use crate::error::DataError;
use crate::model::query::Selection;

/// How many selections each table remembers.
const MOST_PLANS: usize = 64;

/// The plans of one table, by the text of `select`; they live as long as its entry in the catalogue.
#[derive(Debug, Default)]
pub struct Plans(RwLock<HashMap<String, Arc<Plan>>>);

impl Plans {
    /// Returns the plans of a table.
    pub fn of(entry: &TableEntry) -> &Self {
        entry.memo()
    }

    /// Plans how rows are written; a plan is made once for each text of `select`.
    ///
    /// # Errors
    /// As [`Selection::parse`].
    pub fn plan(&self, select: Option<&str>, table: &Table) -> Result<Arc<Plan>, DataError> {
        let text = select.unwrap_or("*");
        let plans = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(text) {
            return Ok(Arc::clone(plan));
        }
        drop(plans);
        let plan = Arc::new(Plan::new(&Selection::parse(select, table)?, table));
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if plans.len() < MOST_PLANS {
            plans.insert(text.to_owned(), Arc::clone(&plan));
        }
        Ok(plan)
    }
}
