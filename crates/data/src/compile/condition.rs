//! Which rows a statement concerns: those that a filter names, of those that policies show.

use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::model::expression::Expression;

use crate::error::DataError;

/// Writes conditions of a filter and of policies.
pub trait WriteCondition {
    /// Writes `filter`, and `guard` where there is one, so that nothing whose cost depends on what a row holds is ever
    /// asked of a row that the guard hides: how long the answer takes would tell what stands there.
    ///
    /// # Errors
    /// What cannot be written for this engine.
    fn condition(&mut self, filter: &Expression, guard: Option<Guard<'_>>) -> Result<(), DataError>;
}

/// Writes what must hold of a row before more is asked of it.
pub type Guard<'a> = &'a dyn Fn(&mut SqlBuilder<'_>) -> Result<(), DataError>;

impl WriteCondition for SqlBuilder<'_> {
    fn condition(&mut self, filter: &Expression, guard: Option<Guard<'_>>) -> Result<(), DataError> {
        let Some(guard) = guard else { return Ok(self.expression(filter)?) };
        let parts = match filter {
            Expression::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let (plain, costly): (Vec<_>, Vec<_>) = parts.iter().cloned().partition(is_plain);
        self.expression(&Expression::All(plain))?;
        self.push(" and ");
        guard(self)?;
        if costly.is_empty() {
            return Ok(());
        }
        // The order of what stands between `and` is the planner's affair; that of a CASE is not. The guard outside lets
        // an index serve it.
        self.push(" and case when ");
        guard(self)?;
        self.push(" then ");
        self.expression(&Expression::All(costly))?;
        self.push(" end");
        Ok(())
    }
}

/// Tells whether a condition costs the same whatever a row holds, so that it may be asked of every row, or of an index.
fn is_plain(condition: &Expression) -> bool {
    match condition {
        Expression::Compare(_, left, right) | Expression::Distinct(left, right) => {
            is_operand(left) && is_operand(right)
        }
        Expression::IsNull(value) | Expression::IsTruth(value, _) => is_operand(value),
        Expression::InList(value, list) => is_operand(value) && list.iter().all(is_operand),
        Expression::Not(inner) => is_plain(inner),
        Expression::All(parts) | Expression::Any(parts) => parts.iter().all(is_plain),
        _ => false,
    }
}

const fn is_operand(value: &Expression) -> bool {
    matches!(value, Expression::Column { .. } | Expression::Constant(..))
}
