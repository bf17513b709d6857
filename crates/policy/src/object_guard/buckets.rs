//! Which buckets a policy speaks of, read off its condition.

use std::collections::BTreeSet;

use crate::model::expression::{Comparison, Expression};
use crate::model::literal::Literal;
use crate::model::storage_objects::BUCKET;

/// A set of buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Buckets {
    /// Every one.
    Every,
    /// These.
    Only(BTreeSet<String>),
}

impl Buckets {
    /// Starts with none.
    pub(super) fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Reads off a condition outside which buckets it can never hold.
    pub(super) fn of(condition: &Expression) -> Self {
        match condition {
            Expression::Compare(Comparison::Equal, left, right) => match (&**left, &**right) {
                (column, constant) | (constant, column) if is_bucket(column) => named(&[constant]),
                _ => Self::Every,
            },
            Expression::InList(column, list) if is_bucket(column) => named(&list.iter().collect::<Vec<_>>()),
            Expression::All(parts) => parts.iter().map(Self::of).fold(Self::Every, Self::and),
            Expression::Any(parts) => parts.iter().map(Self::of).fold(Self::none(), Self::or),
            Expression::IsTruth(inner, true) => Self::of(inner),
            _ => Self::Every,
        }
    }

    /// Tells whether a bucket is among them.
    pub(super) fn hold(&self, bucket: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Only(names) => names.contains(bucket),
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Every, other) | (other, Self::Every) => other,
            (Self::Only(left), Self::Only(right)) => Self::Only(left.intersection(&right).cloned().collect()),
        }
    }

    /// Joins two sets.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Every, _) | (_, Self::Every) => Self::Every,
            (Self::Only(mut left), Self::Only(right)) => {
                left.extend(right);
                Self::Only(left)
            }
        }
    }
}

fn is_bucket(expression: &Expression) -> bool {
    matches!(expression, Expression::Column { level: 0, name, .. } if name == BUCKET)
}

fn named(constants: &[&Expression]) -> Buckets {
    let mut names = BTreeSet::new();
    for constant in constants {
        match constant {
            Expression::Constant(Literal::Text(name), _) => names.insert(name.clone()),
            _ => return Buckets::Every,
        };
    }
    Buckets::Only(names)
}
