//! Which entries a list shows.

use quoin_kernel::page::{InvalidPage, Page, PageIn};
use quoin_kernel::{OrgId, Problem, Timestamp};
use serde::Deserialize;

/// A checked filter: every condition that is set must hold.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Only entries of this organisation.
    pub org_id: Option<OrgId>,
    /// Only entries of the person, key or part of Quoin with this id.
    pub actor: Option<String>,
    /// Only entries with this action; one that ends in `.*` takes every action below it.
    pub action: Option<String>,
    /// Only entries about this target.
    pub target: Option<String>,
    /// Only entries at or after this moment.
    pub since: Option<Timestamp>,
    /// Only entries before this moment.
    pub until: Option<Timestamp>,
    /// Which part of the list.
    pub page: Page,
}

/// The filter as a query string carries it.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterIn {
    /// Only entries of this organisation.
    pub org_id: Option<OrgId>,
    /// Only entries of the person, key or part of Quoin with this id.
    pub actor: Option<String>,
    /// Only entries with this action; `identity.*` takes every action that begins with `identity.`.
    pub action: Option<String>,
    /// Only entries about this target.
    pub target: Option<String>,
    /// Only entries at or after this moment.
    pub since: Option<Timestamp>,
    /// Only entries before this moment.
    pub until: Option<Timestamp>,
    /// How many entries, 1 to 1000; 50 by default.
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl FilterIn {
    /// Checks limit and cursor.
    pub fn check(self) -> Result<Filter, Problem> {
        let page =
            PageIn { limit: self.limit, cursor: self.cursor }.check().map_err(|error| refuse(&error))?;
        Ok(Filter {
            org_id: self.org_id,
            actor: self.actor,
            action: self.action,
            target: self.target,
            since: self.since,
            until: self.until,
            page,
        })
    }
}

fn refuse(error: &InvalidPage) -> Problem {
    let field = match error {
        InvalidPage::Limit => "limit",
        InvalidPage::Cursor => "cursor",
    };
    Problem::invalid(error.to_string()).field(field, error.to_string())
}
