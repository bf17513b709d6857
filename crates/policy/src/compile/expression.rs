//! Expressions as SQL.

use quoin_db::{Engine, Value};

use super::builder::{DEEPEST_POLICY, SqlBuilder, impossible};
use crate::error::PolicyError;
use crate::model::expression::{Comparison, Expression, NativeOperand, SubSelect};
use crate::model::json_text::Step;
use crate::model::literal::Literal;
use crate::model::logical_type::{Family, LogicalType};
use crate::model::requester::RequestRole;

type Written = Result<(), PolicyError>;

impl SqlBuilder<'_> {
    /// Appends an expression.
    ///
    /// # Errors
    /// A claim that is cast to a type it does not hold, an operator that the engine lacks, policies that recurse.
    pub fn expression(&mut self, expression: &Expression) -> Written {
        match expression {
            Expression::Constant(literal, kind) => self.constant(literal, kind),
            Expression::Column { level, name, .. } => self.column(*level, name)?,
            Expression::Claim(claim) => {
                let literal = self.requester.claim(claim)?;
                self.value(&literal);
            }
            Expression::Now => {
                let now = Literal::Moment(self.requester.now);
                self.value(&now);
            }
            Expression::Not(inner) => {
                self.push("not (");
                self.expression(inner)?;
                self.push(")");
            }
            Expression::All(parts) => self.joined(parts, " and ", "1=1")?,
            Expression::Any(parts) => self.joined(parts, " or ", "1=0")?,
            Expression::Compare(comparison, left, right) => self.compare(*comparison, left, right)?,
            Expression::Distinct(left, right) => self.infix(left, " is distinct from ", right)?,
            Expression::IsNull(inner) => self.postfix(inner, " is null")?,
            Expression::IsTruth(inner, true) => self.postfix(inner, " is true")?,
            Expression::IsTruth(inner, false) => self.postfix(inner, " is false")?,
            Expression::InList(value, list) => self.in_list(value, list)?,
            Expression::InSelect(value, select) => {
                self.push("(");
                self.expression(value)?;
                self.push(" in (");
                self.sub_select(select)?;
                self.push("))");
            }
            Expression::Exists(select) => {
                self.push("exists (");
                self.sub_select(select)?;
                self.push(")");
            }
            Expression::Coalesce(parts) => {
                self.push("coalesce(");
                self.list(parts, Self::expression)?.push(")");
            }
            Expression::NullIf(left, right) => self.null_if(left, right)?,
            Expression::Length(inner) => self.call("length", inner)?,
            Expression::ToText(inner) => {
                self.push("cast(");
                self.expression(inner)?;
                self.push(" as text)");
            }
            Expression::PathPart(part, name) => self.path_part(*part, name)?,
            Expression::RandomUuid => return Err(impossible("gen_random_uuid()")),
            Expression::Like { .. } | Expression::Matches { .. } => self.pattern(expression)?,
            Expression::JsonPart { .. } | Expression::Contains(..) => self.document(expression)?,
            Expression::Native { value, operator, operand } => self.native(value, operator, operand)?,
        }
        Ok(())
    }

    fn null_if(&mut self, left: &Expression, right: &Expression) -> Written {
        self.push("nullif(");
        self.expression(left)?;
        self.push(", ");
        self.expression(right)?;
        self.push(")");
        Ok(())
    }

    fn constant(&mut self, literal: &Literal, kind: &LogicalType) {
        self.value(literal);
        // PostgreSQL infers a parameter's type from what it meets; where it meets nothing, the type is said.
        if self.engine == Engine::Postgres && matches!(kind.family(), Family::Bool | Family::Number) {
            self.push("::").push(kind.base_name());
        }
    }

    fn column(&mut self, level: usize, name: &str) -> Written {
        let position =
            self.rows.len().checked_sub(level + 1).ok_or_else(|| impossible("a row out of sight"))?;
        let alias = self.rows[position].clone();
        if !alias.is_empty() {
            self.name(&alias).push(".");
        }
        self.name(name);
        Ok(())
    }

    fn joined(&mut self, parts: &[Expression], between: &str, empty: &str) -> Written {
        if parts.is_empty() {
            self.push(empty);
            return Ok(());
        }
        self.push("(");
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            self.expression(part)?;
        }
        self.push(")");
        Ok(())
    }

    fn compare(&mut self, comparison: Comparison, left: &Expression, right: &Expression) -> Written {
        self.push("(");
        self.expression(left)?;
        let ordered_text = comparison.needs_order() && left.kind().family() == Family::Text;
        if ordered_text {
            self.byte_order();
        }
        self.push(" ").push(comparison.symbol()).push(" ");
        self.expression(right)?;
        self.push(")");
        Ok(())
    }

    /// Orders texts by their bytes, as SQLite does, whatever the database's locale.
    pub fn byte_order(&mut self) {
        if self.engine == Engine::Postgres && !self.catalogue.orders_by_bytes {
            self.push(" collate \"C\"");
        }
    }

    fn infix(&mut self, left: &Expression, operator: &str, right: &Expression) -> Written {
        self.push("(");
        self.expression(left)?;
        self.push(operator);
        self.expression(right)?;
        self.push(")");
        Ok(())
    }

    fn postfix(&mut self, inner: &Expression, operator: &str) -> Written {
        self.push("(");
        self.expression(inner)?;
        self.push(operator).push(")");
        Ok(())
    }

    fn call(&mut self, function: &str, inner: &Expression) -> Written {
        self.push(function).push("(");
        self.expression(inner)?;
        self.push(")");
        Ok(())
    }

    /// Writes `in (…)`; a list of plain texts or ids is one array parameter, so that its length is not part of the text.
    fn in_list(&mut self, value: &Expression, list: &[Expression]) -> Written {
        self.push("(");
        self.expression(value)?;
        let literals: Option<Vec<&Literal>> = list
            .iter()
            .map(|item| match item {
                Expression::Constant(literal, _) if *literal != Literal::Null => Some(literal),
                _ => None,
            })
            .collect();
        match literals {
            Some(literals) if self.engine == Engine::Postgres => {
                let elements: Vec<String> = literals.into_iter().map(Literal::to_text).collect();
                self.push(" = any(").param(Value::from(array_text(&elements)));
                self.push("::").push(value.kind().base_name()).push("[]))");
            }
            _ if list.is_empty() => {
                self.push(" in (select null where 1=0))");
            }
            _ => {
                self.push(" in (");
                self.list(list, Self::expression)?.push("))");
            }
        }
        Ok(())
    }

    fn pattern(&mut self, expression: &Expression) -> Written {
        match (expression, self.engine) {
            (Expression::Like { value, pattern, fold }, Engine::Postgres) => {
                let operator = if *fold { " ilike " } else { " like " };
                self.push("(");
                self.expression(value)?;
                self.push(operator).param(Value::from(pattern.clone())).push(")");
            }
            (Expression::Like { value, pattern, fold }, Engine::Sqlite) if !self.is_inline() => {
                self.push("quoin_like(cast(");
                self.expression(value)?;
                self.push(" as text), ").value(&Literal::Text(pattern.clone()));
                self.push(if *fold { ", 1)" } else { ", 0)" });
            }
            // What stays in the schema must be understood by every program that opens the file.
            (Expression::Like { value, pattern, fold: false }, Engine::Sqlite) => {
                // SQLite's LIKE always folds ASCII letters; GLOB does not.
                self.push("(");
                self.expression(value)?;
                self.push(" glob ").value(&Literal::Text(to_glob(pattern))).push(")");
            }
            (Expression::Like { value, pattern, .. }, Engine::Sqlite) => {
                self.push("(lower(");
                self.expression(value)?;
                let pattern = Literal::Text(pattern.to_ascii_lowercase());
                self.push(") like ").value(&pattern).push(" escape '\\')");
            }
            (Expression::Matches { value, pattern, fold }, Engine::Postgres) => {
                self.push("(");
                self.expression(value)?;
                self.push(if *fold { " ~* " } else { " ~ " }).param(Value::from(pattern.clone())).push(")");
            }
            _ => return Err(PolicyError::NotOnSqlite("regular expressions (match, imatch)")),
        }
        Ok(())
    }

    fn document(&mut self, expression: &Expression) -> Written {
        match (expression, self.engine) {
            (Expression::Contains(left, right), Engine::Postgres) => self.infix(left, " @> ", right),
            (Expression::Contains(left, right), Engine::Sqlite) => self.contains(left, right),
            (Expression::JsonPart { document, path, as_text }, Engine::Postgres) => {
                self.native_part(document, path, *as_text)
            }
            (Expression::JsonPart { document, path, as_text }, Engine::Sqlite) => {
                self.json_part(document, path, *as_text)
            }
            _ => Err(impossible("an expression without a document")),
        }
    }

    fn native_part(&mut self, document: &Expression, path: &[Step], as_text: bool) -> Written {
        // PostgreSQL takes a bare string or number for an array of one; nobody who asks for an element means that.
        let only_arrays = matches!(path.first(), Some(Step::Index(_)));
        self.push("(");
        if only_arrays {
            self.push("case jsonb_typeof(");
            self.expression(document)?;
            self.push(") when 'array' then ");
        }
        self.expression(document)?;
        for (index, step) in path.iter().enumerate() {
            self.push(if as_text && index + 1 == path.len() { " ->> " } else { " -> " });
            match step {
                Step::Key(key) => self.param(Value::from(key.clone())).push("::text"),
                Step::Index(at) => self.push(&at.to_string()),
            };
        }
        self.push(if only_arrays { " end)" } else { ")" });
        Ok(())
    }

    fn native(&mut self, value: &Expression, operator: &'static str, operand: &NativeOperand) -> Written {
        if self.engine == Engine::Sqlite {
            return Err(PolicyError::NotOnSqlite("full-text, range and array operators"));
        }
        self.push("(");
        match operand {
            NativeOperand::Text(text) => {
                self.expression(value)?;
                self.push(" ").push(operator).push(" ").param(Value::from(text.clone()));
            }
            NativeOperand::TextSearch(function, language, words) => {
                self.push("to_tsvector(");
                self.language(language.as_deref());
                self.expression(value)?;
                self.push("::text) @@ ").push(function).push("(");
                self.language(language.as_deref());
                self.param(Value::from(words.clone())).push("::text)");
            }
        }
        self.push(")");
        Ok(())
    }

    fn language(&mut self, language: Option<&str>) {
        if let Some(language) = language {
            self.param(Value::from(language.to_owned())).push("::text::regconfig, ");
        }
    }

    /// Writes a subquery of a policy: rows that the caller may read, as PostgreSQL has it.
    fn sub_select(&mut self, select: &SubSelect) -> Written {
        if self.depth >= DEEPEST_POLICY {
            return Err(PolicyError::PolicyRecursion(select.table.clone()));
        }
        self.depth += 1;
        let alias = self.fresh_alias();
        self.rows.push(alias.clone());
        self.push("select ");
        match &select.column {
            Some(column) => self.expression(column)?,
            None => {
                self.push("1");
            }
        }
        self.push(" from ").table(&select.table).push(" as ").name(&alias).push(" where ");
        match &select.filter {
            Some(filter) => self.expression(filter)?,
            None => {
                self.push("1=1");
            }
        }
        let entry = self.catalogue.entry(&select.table)?;
        // PostgreSQL holds the request's role to the table's rights and policies by itself.
        if self.engine == Engine::Sqlite && self.requester.role != RequestRole::Service {
            if !entry.table.row_security {
                return Err(PolicyError::PermissionDenied(select.table.clone(), self.requester.role));
            }
            self.push(" and ");
            self.within_only(alias, |sql| sql.select_policy(&entry))?;
        }
        self.rows.pop();
        self.depth -= 1;
        Ok(())
    }
}

/// Writes a PostgreSQL array literal.
fn array_text(elements: &[String]) -> String {
    let mut out = String::from("{");
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(&element.replace('\\', "\\\\").replace('"', "\\\""));
        out.push('"');
    }
    out.push('}');
    out
}

/// Turns a LIKE pattern into the GLOB pattern that matches the same texts.
fn to_glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => out.push('*'),
            '_' => out.push('?'),
            '\\' => literal_glob(rest.next().unwrap_or('\\'), &mut out),
            other => literal_glob(other, &mut out),
        }
    }
    out
}

fn literal_glob(c: char, out: &mut String) {
    if matches!(c, '*' | '?' | '[') {
        out.push('[');
        out.push(c);
        out.push(']');
    } else {
        out.push(c);
    }
}
