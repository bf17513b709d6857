//! Filters and logic: `column=operator.value`, `or=(…)`, `not.and=(…)`.

use super::operator::condition;
use super::text::{field, split};
use crate::error::DataError;
use quoin_policy::model::expression::Expression;
use quoin_policy::model::table::Table;

/// How deep logic may nest.
const DEEPEST: usize = 8;
/// How many conditions one request may hold.
const MOST_CONDITIONS: usize = 200;

/// Reads the filters of one request.
pub struct Filters<'a> {
    table: &'a Table,
    conditions: usize,
}

impl<'a> Filters<'a> {
    /// Reads every filter into one expression; all of them must hold.
    ///
    /// # Errors
    /// `PGRST100` (syntax), `42703` (no such column), the SQLSTATE of a value that is none of its column's type.
    pub fn parse(pairs: &[(String, String)], table: &'a Table) -> Result<Expression, DataError> {
        let mut filters = Self { table, conditions: 0 };
        let mut parts = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            parts.push(match key.as_str() {
                "and" | "or" | "not.and" | "not.or" => filters.logic(key, value, 0)?,
                _ => filters.horizontal(key, value)?,
            });
        }
        Ok(Expression::All(parts))
    }

    fn horizontal(&mut self, key: &str, value: &str) -> Result<Expression, DataError> {
        if let Some((embedded, _)) = key.split_once('.') {
            let message = format!("'{embedded}' is not an embedded resource in this request");
            return Err(DataError::NotImplemented("PGRST108", message, 400));
        }
        self.count()?;
        condition(&field(key)?, value, self.table)
    }

    fn count(&mut self) -> Result<(), DataError> {
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            return Err(DataError::TooMuch(format!("a request holds at most {MOST_CONDITIONS} conditions")));
        }
        Ok(())
    }

    /// Reads `(a.eq.1,not.b.is.null,or(…))` after `and`, `or`, `not.and`, `not.or`.
    fn logic(&mut self, operator: &str, value: &str, depth: usize) -> Result<Expression, DataError> {
        let bad = |why: &str| DataError::BadQuery(format!("logic tree ({value})"), why.to_owned());
        if depth > DEEPEST {
            return Err(DataError::TooMuch(format!("logic nests at most {DEEPEST} deep")));
        }
        let trimmed = value.trim();
        let inner = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.ok_or_else(|| bad("expected ( … )"))?;
        let mut parts = Vec::new();
        for part in split(inner, ',') {
            parts.push(self.member(part.trim(), depth).map_err(|error| match error {
                DataError::BadQuery(_, details) => bad(&details),
                other => other,
            })?);
        }
        let (negated, operator) =
            operator.strip_prefix("not.").map_or((false, operator), |rest| (true, rest));
        let joined = if operator == "or" { Expression::Any(parts) } else { Expression::All(parts) };
        Ok(joined.negated(negated))
    }

    fn member(&mut self, part: &str, depth: usize) -> Result<Expression, DataError> {
        for operator in ["not.and", "not.or", "and", "or"] {
            if let Some(rest) = part.strip_prefix(operator)
                && rest.starts_with('(')
            {
                return self.logic(operator, rest, depth + 1);
            }
        }
        self.count()?;
        let dot = first_dot(part).ok_or_else(|| {
            DataError::BadQuery(format!("filter ({part})"), "expected column.operator.value".into())
        })?;
        condition(&field(&part[..dot])?, &part[dot + 1..], self.table)
    }
}

/// Finds the dot that ends the field, outside of quotes.
fn first_dot(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(index, c)| {
        if c == '"' {
            quoted = !quoted;
        }
        (c == '.' && !quoted).then_some(index)
    })
}
