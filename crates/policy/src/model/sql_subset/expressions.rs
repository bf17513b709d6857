//! Reads the accepted expressions of policies, checks and seeds: names resolved, types known, literals checked.

use sqlparser::ast::{BinaryOperator, CastKind, Expr, Spanned, UnaryOperator, Value as SqlValue};

use super::data_types::logical_type;
use super::names::name;
use super::refusal::Refusal;
use crate::model::expression::{Claim, Comparison, Expression};
use crate::model::json_text::Step;
use crate::model::literal::Literal;
use crate::model::logical_type::{Family, LogicalType};
use crate::model::storage_objects;
use crate::model::table::{Schema, Table};

/// Where an expression stands, which decides what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `using` or `with check`.
    Policy,
    /// A check constraint, index condition or seed: nothing about callers, no other tables.
    Constraint,
    /// A column's default: no columns either.
    Default,
}

/// Resolves names against the rows in sight.
pub struct Resolver<'a> {
    pub(super) schema: &'a Schema,
    pub(super) place: Place,
    /// The rows in sight, the nearest last, each with the name it goes by.
    pub(super) rows: Vec<(String, &'a Table)>,
}

impl<'a> Resolver<'a> {
    /// Starts with one row of `table` in sight, or none.
    pub fn new(schema: &'a Schema, place: Place, table: Option<&'a Table>) -> Self {
        let alias = |table: &Table| match table.name.as_str() {
            storage_objects::NAME => "objects".to_owned(),
            name => name.to_owned(),
        };
        let rows = table.map(|table| (alias(table), table)).into_iter().collect();
        Self { schema, place, rows }
    }

    /// Reads a condition.
    ///
    /// # Errors
    /// Refuses what is not accepted and what is no truth value.
    pub fn condition(&mut self, expr: &Expr) -> Result<Expression, Refusal> {
        let condition = self.value(expr, Some(&LogicalType::Bool))?;
        if condition.kind().family() == Family::Bool {
            Ok(condition)
        } else {
            Err(Refusal::at(expr.span(), format!("{expr} is no condition but {}", condition.kind())))
        }
    }

    /// Reads an expression; a literal without a type of its own becomes `wanted`.
    ///
    /// # Errors
    /// Refuses what is not accepted.
    pub fn value(&mut self, expr: &Expr, wanted: Option<&LogicalType>) -> Result<Expression, Refusal> {
        match expr {
            Expr::Nested(inner) => self.value(inner, wanted),
            Expr::Value(value) => literal(&value.value, expr, wanted),
            Expr::Identifier(ident) => self.column(None, ident, expr),
            Expr::CompoundIdentifier(parts) => self.qualified(parts, expr),
            Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } => Ok(self.condition(inner)?.negated(true)),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => negative(inner, expr, wanted),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, expr),
            Expr::IsNull(inner) => self.is_null(inner, false),
            Expr::IsNotNull(inner) => self.is_null(inner, true),
            Expr::IsUnknown(inner) => Ok(Expression::IsNull(Box::new(self.condition(inner)?))),
            Expr::IsNotUnknown(inner) => {
                Ok(Expression::IsNull(Box::new(self.condition(inner)?)).negated(true))
            }
            Expr::IsTrue(inner) => Ok(Expression::IsTruth(Box::new(self.condition(inner)?), true)),
            Expr::IsFalse(inner) => Ok(Expression::IsTruth(Box::new(self.condition(inner)?), false)),
            Expr::IsNotTrue(inner) => {
                Ok(Expression::IsTruth(Box::new(self.condition(inner)?), true).negated(true))
            }
            Expr::IsNotFalse(inner) => {
                Ok(Expression::IsTruth(Box::new(self.condition(inner)?), false).negated(true))
            }
            Expr::IsDistinctFrom(left, right) => self.distinct(left, right, expr),
            Expr::IsNotDistinctFrom(left, right) => Ok(self.distinct(left, right, expr)?.negated(true)),
            Expr::InList { expr: value, list, negated } => Ok(self.in_list(value, list)?.negated(*negated)),
            Expr::InSubquery { expr: value, subquery, negated } => {
                Ok(self.in_select(value, subquery)?.negated(*negated))
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => self.any(left, right, expr),
            Expr::Between { expr: value, negated, low, high } => {
                Ok(self.between(value, low, high)?.negated(*negated))
            }
            Expr::Like { negated, any: false, expr: value, pattern, escape_char: None } => {
                Ok(self.like(value, pattern, false)?.negated(*negated))
            }
            Expr::ILike { negated, any: false, expr: value, pattern, escape_char: None } => {
                Ok(self.like(value, pattern, true)?.negated(*negated))
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr: inner,
                data_type,
                format: None,
            } => self.cast(inner, &logical_type(data_type).map_err(|refusal| at(expr, refusal))?, expr),
            Expr::Exists { subquery, negated } => Ok(self.exists(subquery)?.negated(*negated)),
            Expr::Subquery(query) => self.scalar(query, wanted),
            Expr::Function(function) => self.function(function, expr),
            Expr::CompoundFieldAccess { root, access_chain } => self.folder(root, access_chain, expr),
            _ => refuse(expr),
        }
    }

    fn qualified(&self, parts: &[sqlparser::ast::Ident], expr: &Expr) -> Result<Expression, Refusal> {
        match parts {
            [table, column] => self.column(Some(&name(table)?), column, expr),
            [schema, table, column] if name(schema)? == "storage" && name(table)? == "objects" => {
                self.column(Some("objects"), column, expr)
            }
            [schema, table, column] if name(schema)? == "public" => {
                self.column(Some(&name(table)?), column, expr)
            }
            _ => refuse(expr),
        }
    }

    fn column(
        &self,
        table: Option<&str>,
        ident: &sqlparser::ast::Ident,
        expr: &Expr,
    ) -> Result<Expression, Refusal> {
        let column = name(ident)?;
        for (level, (alias, row)) in self.rows.iter().rev().enumerate() {
            if table.is_some_and(|table| table != alias) {
                continue;
            }
            if let Some(found) = row.column(&column) {
                return Ok(Expression::Column { level, name: column, kind: found.kind.clone() });
            }
        }
        Err(Refusal::at(expr.span(), format!("there is no column {expr} in sight")))
    }

    fn binary(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        whole: &Expr,
    ) -> Result<Expression, Refusal> {
        let comparison = match op {
            BinaryOperator::And => return Ok(join(self.condition(left)?, self.condition(right)?, true)),
            BinaryOperator::Or => return Ok(join(self.condition(left)?, self.condition(right)?, false)),
            BinaryOperator::Arrow => return self.json_part(left, right, false),
            BinaryOperator::LongArrow => return self.json_part(left, right, true),
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            _ => return refuse(whole),
        };
        let (left, right) = self.pair(left, right, whole)?;
        if comparison.needs_order() && left.kind().family() == Family::Text {
            return Err(Refusal::at(
                whole.span(),
                "the order of texts differs between databases; only = and <> compare them here",
            ));
        }
        Ok(Expression::Compare(comparison, Box::new(left), Box::new(right)))
    }

    /// Reads two values of one family; a literal takes the type of the other side.
    pub(super) fn pair(
        &mut self,
        left: &Expr,
        right: &Expr,
        whole: &Expr,
    ) -> Result<(Expression, Expression), Refusal> {
        let (left, right) = if is_literal(left) && !is_literal(right) {
            let right = self.value(right, None)?;
            (self.value(left, Some(&right.kind().for_comparison()))?, right)
        } else {
            let left = self.value(left, None)?;
            let right = self.value(right, Some(&left.kind().for_comparison()))?;
            (left, right)
        };
        let family = left.kind().family();
        if family != right.kind().family() {
            let (left, right) = (left.kind(), right.kind());
            return Err(Refusal::at(
                whole.span(),
                format!("{left} cannot be compared with {right}: cast one of them"),
            ));
        }
        if family == Family::Json {
            return Err(Refusal::at(
                whole.span(),
                "jsonb documents are not compared; compare a part taken with ->>",
            ));
        }
        Ok((left, right))
    }

    fn is_null(&mut self, inner: &Expr, negated: bool) -> Result<Expression, Refusal> {
        Ok(Expression::IsNull(Box::new(self.value(inner, None)?)).negated(negated))
    }

    fn distinct(&mut self, left: &Expr, right: &Expr, whole: &Expr) -> Result<Expression, Refusal> {
        let (left, right) = self.pair(left, right, whole)?;
        Ok(Expression::Distinct(Box::new(left), Box::new(right)))
    }

    fn in_list(&mut self, value: &Expr, list: &[Expr]) -> Result<Expression, Refusal> {
        let mut parts = Vec::with_capacity(list.len());
        for item in list {
            parts.push(self.pair(value, item, item)?.1);
        }
        Ok(Expression::InList(Box::new(self.value(value, None)?), parts))
    }

    fn any(&mut self, value: &Expr, array: &Expr, whole: &Expr) -> Result<Expression, Refusal> {
        match array {
            Expr::Nested(inner) => self.any(value, inner, whole),
            Expr::Array(array) => self.in_list(value, &array.elem),
            _ => refuse(whole),
        }
    }

    fn between(&mut self, value: &Expr, low: &Expr, high: &Expr) -> Result<Expression, Refusal> {
        let (left, low) = self.pair(value, low, low)?;
        let (right, high) = self.pair(value, high, high)?;
        if left.kind().family() == Family::Text {
            return Err(Refusal::at(
                value.span(),
                "the order of texts differs between databases; between does not take them",
            ));
        }
        Ok(Expression::All(vec![
            Expression::Compare(Comparison::GreaterOrEqual, Box::new(left), Box::new(low)),
            Expression::Compare(Comparison::LessOrEqual, Box::new(right), Box::new(high)),
        ]))
    }

    fn like(&mut self, value: &Expr, pattern: &Expr, fold: bool) -> Result<Expression, Refusal> {
        let left = self.value(value, None)?;
        let Expression::Constant(Literal::Text(pattern), _) =
            self.value(pattern, Some(&LogicalType::Text))?
        else {
            return Err(Refusal::at(pattern.span(), "the pattern of like must be a literal"));
        };
        if fold {
            return Err(Refusal::at(value.span(), "ilike folds other letters on each engine: use like"));
        }
        if left.kind().family() != Family::Text {
            return Err(Refusal::at(value.span(), "like takes a text"));
        }
        Ok(Expression::Like { value: Box::new(left), pattern, fold })
    }

    fn json_part(&mut self, left: &Expr, right: &Expr, as_text: bool) -> Result<Expression, Refusal> {
        let step = match unquoted(right) {
            Some(SqlValue::SingleQuotedString(key)) => Step::Key(key.clone()),
            Some(SqlValue::Number(index, _)) => match index.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => return refuse(right),
            },
            _ => return Err(Refusal::at(right.span(), "-> and ->> take a literal key or index here")),
        };
        match self.value(left, None)? {
            Expression::Claim(Claim::Jwt { mut path, as_text: false, cast: None }) => {
                path.push(step);
                Ok(Expression::Claim(Claim::Jwt { path, as_text, cast: None }))
            }
            Expression::JsonPart { document, mut path, as_text: false } => {
                path.push(step);
                Ok(Expression::JsonPart { document, path, as_text })
            }
            document if document.kind() == LogicalType::Json => {
                Ok(Expression::JsonPart { document: Box::new(document), path: vec![step], as_text })
            }
            _ => Err(Refusal::at(left.span(), "-> and ->> take a jsonb document")),
        }
    }

    fn cast(&mut self, inner: &Expr, kind: &LogicalType, whole: &Expr) -> Result<Expression, Refusal> {
        let value = self.value(inner, Some(kind))?;
        if value.kind() == *kind || (value.kind().family() == kind.family() && kind.family() == Family::Text)
        {
            return Ok(value);
        }
        match value {
            Expression::Claim(Claim::Jwt { path, as_text: true, cast: None }) => {
                Ok(Expression::Claim(Claim::Jwt { path, as_text: true, cast: Some(kind.clone()) }))
            }
            value
                if *kind == LogicalType::Text
                    && (value.kind() == LogicalType::Uuid || value.kind().is_integer()) =>
            {
                Ok(Expression::ToText(Box::new(value)))
            }
            // Widening integers changes nothing in either engine's comparisons.
            value if kind.is_integer() && value.kind().is_integer() => Ok(value),
            _ => refuse(whole),
        }
    }
}

/// Joins two conditions, keeping chains of the same operator flat.
fn join(left: Expression, right: Expression, all: bool) -> Expression {
    match (left, all) {
        (Expression::All(mut parts), true) => {
            parts.push(right);
            Expression::All(parts)
        }
        (Expression::Any(mut parts), false) => {
            parts.push(right);
            Expression::Any(parts)
        }
        (left, true) => Expression::All(vec![left, right]),
        (left, false) => Expression::Any(vec![left, right]),
    }
}

fn unquoted(expr: &Expr) -> Option<&SqlValue> {
    match expr {
        Expr::Nested(inner) => unquoted(inner),
        Expr::Value(value) => Some(&value.value),
        _ => None,
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } | Expr::Nested(expr) => is_literal(expr),
        Expr::Value(_) => true,
        _ => false,
    }
}

fn negative(inner: &Expr, whole: &Expr, wanted: Option<&LogicalType>) -> Result<Expression, Refusal> {
    match unquoted(inner) {
        Some(SqlValue::Number(digits, _)) => number(&format!("-{digits}"), whole, wanted),
        _ => refuse(whole),
    }
}

fn literal(value: &SqlValue, expr: &Expr, wanted: Option<&LogicalType>) -> Result<Expression, Refusal> {
    match value {
        SqlValue::Null => {
            Ok(Expression::Constant(Literal::Null, wanted.cloned().unwrap_or(LogicalType::Text)))
        }
        SqlValue::Boolean(truth) => Ok(Expression::Constant(Literal::Bool(*truth), LogicalType::Bool)),
        SqlValue::Number(digits, _) => number(digits, expr, wanted),
        SqlValue::SingleQuotedString(text) => typed(text, expr, wanted.unwrap_or(&LogicalType::Text)),
        SqlValue::DollarQuotedString(quoted) => {
            typed(&quoted.value, expr, wanted.unwrap_or(&LogicalType::Text))
        }
        _ => refuse(expr),
    }
}

/// Reads a number as the type of what it meets, if that is a number, else as its own.
fn number(digits: &str, expr: &Expr, wanted: Option<&LogicalType>) -> Result<Expression, Refusal> {
    match wanted {
        Some(kind) if kind.family() == Family::Number => {
            let exact = Literal::parse(kind, digits).map(|value| Expression::Constant(value, kind.clone()));
            // `a > 1.5` is fine for an integer column: the literal stays a decimal.
            exact.or_else(|_| typed(digits, expr, &LogicalType::Numeric(None)))
        }
        _ if digits.parse::<i32>().is_ok() => typed(digits, expr, &LogicalType::Int),
        _ if digits.parse::<i64>().is_ok() => typed(digits, expr, &LogicalType::BigInt),
        _ => typed(digits, expr, &LogicalType::Numeric(None)),
    }
}

fn typed(text: &str, expr: &Expr, kind: &LogicalType) -> Result<Expression, Refusal> {
    match Literal::parse(kind, text) {
        Ok(value) => Ok(Expression::Constant(value, kind.clone())),
        Err(bad) => Err(Refusal::at(expr.span(), bad.message)),
    }
}

fn at(expr: &Expr, refusal: Refusal) -> Refusal {
    refusal.or_line(expr.span().start.line)
}

pub(super) fn refuse<T>(expr: &Expr) -> Result<T, Refusal> {
    Err(Refusal::at(expr.span(), format!("the expression {expr} is not accepted here")))
}
