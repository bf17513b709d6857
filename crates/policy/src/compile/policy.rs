//! Row policies compiled into statements for SQLite, with PostgreSQL's rules of combination.
//!
//! Of the policies that concern the command and the role, some permissive one must hold and every restrictive one. No
//! permissive policy means no row. NULL is not true.

use super::builder::SqlBuilder;
use crate::catalogue::{CompiledPolicy, TableEntry};
use crate::error::PolicyError;
use crate::model::expression::Expression;
use crate::model::requester::{RequestRole, Requester};
use crate::model::table::Command;

/// Says whether policies bind this caller on this table.
pub fn binds(entry: &TableEntry, requester: &Requester) -> bool {
    entry.table.row_security && requester.role != RequestRole::Service
}

impl SqlBuilder<'_> {
    /// Appends which rows of `entry` the caller may read.
    pub fn select_policy(&mut self, entry: &TableEntry) -> Result<(), PolicyError> {
        self.policy(entry, Command::Select, Part::Using)
    }

    /// Appends the condition of `command`: on rows that exist, or on rows that are left behind.
    pub fn policy(&mut self, entry: &TableEntry, command: Command, part: Part) -> Result<(), PolicyError> {
        let role = self.requester.role.as_str();
        let concerned = |policy: &&CompiledPolicy| {
            (policy.command == command || policy.command == Command::All)
                && (policy.roles.is_empty() || policy.roles.iter().any(|held| held == role))
        };
        let (permissive, restrictive): (Vec<_>, Vec<_>) =
            entry.policies.iter().filter(concerned).partition(|policy| policy.permissive);
        if permissive.is_empty() {
            self.push("1=0");
            return Ok(());
        }
        self.push("(");
        self.combined(&permissive, part, " or ")?;
        if !restrictive.is_empty() {
            self.push(" and ");
            self.combined(&restrictive, part, " and ")?;
        }
        self.push(")");
        Ok(())
    }

    fn combined(
        &mut self,
        policies: &[&CompiledPolicy],
        part: Part,
        between: &str,
    ) -> Result<(), PolicyError> {
        self.push("(");
        for (index, policy) in policies.iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            match part.of(policy) {
                Some(condition) => self.expression(condition)?,
                // A policy without a condition admits every row.
                None => {
                    self.push("1=1");
                }
            }
        }
        self.push(")");
        Ok(())
    }
}

/// Names which half of a policy is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `using`: rows that exist.
    Using,
    /// `with check`, or `using` where that is absent: rows that are left behind.
    Check,
}

impl Part {
    fn of(self, policy: &CompiledPolicy) -> Option<&Expression> {
        match self {
            Self::Using => policy.using.as_ref(),
            Self::Check => policy.check.as_ref().or(policy.using.as_ref()),
        }
    }
}
