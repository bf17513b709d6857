//! `order`: by columns or parts of documents, with NULLs where PostgreSQL puts them.

use super::operator::subject;
use super::text::{field, split};
use crate::error::DataError;
use quoin_policy::model::expression::Expression;
use quoin_policy::model::table::Table;

/// How many terms an order may have.
const MOST_TERMS: usize = 20;

/// One term of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderTerm {
    /// What is compared.
    pub value: Expression,
    /// Whether larger values come first.
    pub descending: bool,
    /// Whether NULLs come first.
    pub nulls_first: bool,
    /// Whether there can be NULLs at all.
    pub nullable: bool,
}

impl OrderTerm {
    /// Reads `order`.
    ///
    /// # Errors
    /// `PGRST100` (syntax), `42703` (no such column).
    pub fn parse(order: Option<&str>, table: &Table) -> Result<Vec<Self>, DataError> {
        let Some(order) = order.filter(|order| !order.is_empty()) else { return Ok(Vec::new()) };
        let terms = split(order, ',');
        if terms.len() > MOST_TERMS {
            return Err(DataError::TooMuch(format!("order has at most {MOST_TERMS} terms")));
        }
        terms.into_iter().map(|term| Self::term(term.trim(), table)).collect()
    }

    fn term(term: &str, table: &Table) -> Result<Self, DataError> {
        let mut words = split(term, '.').into_iter();
        let field = field(words.next().unwrap_or_default())?;
        if field.column.contains('(') {
            let message = format!("'{}' is not an embedded resource in this request", field.column);
            return Err(DataError::NotImplemented("PGRST108", message, 400));
        }
        let (mut descending, mut nulls_first) = (false, None);
        for word in words {
            match word {
                "asc" => descending = false,
                "desc" => descending = true,
                "nullsfirst" => nulls_first = Some(true),
                "nullslast" => nulls_first = Some(false),
                _ => {
                    return Err(DataError::BadQuery(
                        format!("order ({term})"),
                        "expected column[.asc|.desc][.nullsfirst|.nullslast]".into(),
                    ));
                }
            }
        }
        let nullable =
            !field.path.is_empty() || table.column(&field.column).is_none_or(|column| column.nullable);
        Ok(Self {
            value: subject(&field, table)?,
            descending,
            nulls_first: nulls_first.unwrap_or(descending),
            nullable,
        })
    }
}
