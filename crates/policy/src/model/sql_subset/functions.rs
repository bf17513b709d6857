//! The accepted functions and subqueries inside expressions.

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Select, SelectItem,
    SetExpr, Spanned, Subscript, TableFactor,
};

use super::expressions::{Place, Resolver, refuse};
use super::names::{name, object_name, parts};
use super::plain::is_plain_select;
use super::refusal::Refusal;
use crate::model::expression::{Claim, Expression, PathPart, SubSelect};
use crate::model::logical_type::{Family, LogicalType};
use crate::model::storage_objects;

impl Resolver<'_> {
    /// Reads a function call.
    pub(super) fn function(&mut self, function: &Function, whole: &Expr) -> Result<Expression, Refusal> {
        let arguments = arguments(function, whole)?;
        let path = parts(&function.name)?.iter().map(|ident| ident.value.to_lowercase()).collect::<Vec<_>>();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (path.as_slice(), arguments.as_slice()) {
            (["auth", "uid"], []) => self.claim(Claim::Uid, whole),
            (["auth", "org_id"], []) => self.claim(Claim::OrgId, whole),
            (["auth", "org_role"], []) => self.claim(Claim::OrgRole, whole),
            (["auth", "role"], []) => self.claim(Claim::Role, whole),
            (["auth", "jwt"], []) => {
                self.claim(Claim::Jwt { path: Vec::new(), as_text: false, cast: None }, whole)
            }
            (["now" | "current_timestamp"], []) if self.place != Place::Constraint => Ok(Expression::Now),
            (["gen_random_uuid"], []) if self.place == Place::Default => Ok(Expression::RandomUuid),
            (["length" | "char_length" | "character_length"], [text]) => self.length(text, whole),
            (["storage", "filename"], [name]) => self.path_part(PathPart::File, name, whole),
            (["storage", "extension"], [name]) => self.path_part(PathPart::Extension, name, whole),
            (["coalesce"], [first, rest @ ..]) => self.coalesce(first, rest),
            (["nullif"], [left, right]) => {
                let (left, right) = self.pair(left, right, whole)?;
                Ok(Expression::NullIf(Box::new(left), Box::new(right)))
            }
            _ => Err(Refusal::at(whole.span(), format!("the function call {whole} is not accepted here"))),
        }
    }

    /// Reads `(storage.foldername(name))[n]`.
    pub(super) fn folder(
        &mut self,
        root: &Expr,
        access: &[AccessExpr],
        whole: &Expr,
    ) -> Result<Expression, Refusal> {
        let mut root = root;
        while let Expr::Nested(inner) = root {
            root = inner;
        }
        let ([AccessExpr::Subscript(Subscript::Index { index })], Expr::Function(function)) = (access, root)
        else {
            return refuse(whole);
        };
        let path: Vec<_> = parts(&function.name)?.iter().map(|ident| ident.value.to_lowercase()).collect();
        let number = match index {
            Expr::Value(value) => value.to_string().parse::<u32>().ok().filter(|number| *number >= 1),
            _ => None,
        };
        match (path.as_slice(), arguments(function, whole)?.as_slice(), number) {
            ([schema, name], [argument], Some(number)) if schema == "storage" && name == "foldername" => {
                self.path_part(PathPart::Folder(number), argument, whole)
            }
            _ => refuse(whole),
        }
    }

    fn path_part(&mut self, part: PathPart, name: &Expr, whole: &Expr) -> Result<Expression, Refusal> {
        // PostgreSQL applies the policies of the users' tables itself and has no such functions.
        if self.rows.first().is_none_or(|(_, row)| row.name != storage_objects::NAME) {
            return Err(Refusal::at(whole.span(), "storage.… is for policies on storage.objects"));
        }
        let value = self.value(name, Some(&LogicalType::Text))?;
        match (value.kind().family(), &value) {
            // A column costs nothing to repeat, and an object's name is one.
            (Family::Text, Expression::Column { .. }) => Ok(Expression::PathPart(part, Box::new(value))),
            _ => refuse(whole),
        }
    }

    fn claim(&self, claim: Claim, whole: &Expr) -> Result<Expression, Refusal> {
        if self.place == Place::Constraint {
            return Err(Refusal::at(whole.span(), "a constraint cannot depend on who asks"));
        }
        Ok(Expression::Claim(claim))
    }

    fn length(&mut self, text: &Expr, whole: &Expr) -> Result<Expression, Refusal> {
        let value = self.value(text, Some(&LogicalType::Text))?;
        if value.kind().family() == Family::Text {
            Ok(Expression::Length(Box::new(value)))
        } else {
            refuse(whole)
        }
    }

    fn coalesce(&mut self, first: &Expr, rest: &[&Expr]) -> Result<Expression, Refusal> {
        let mut values = vec![self.value(first, None)?];
        for part in rest {
            values.push(self.pair(first, part, part)?.1);
        }
        Ok(Expression::Coalesce(values))
    }

    /// Reads `in (select column from table where …)`.
    pub(super) fn in_select(&mut self, value: &Expr, query: &Query) -> Result<Expression, Refusal> {
        let left = self.value(value, None)?;
        let select = self.sub_select(query, true)?;
        let right = select.column.as_ref().map(Expression::kind);
        if right.as_ref().map(LogicalType::family) != Some(left.kind().family()) {
            return Err(Refusal::at(
                value.span(),
                "the subquery gives another type than the value it is compared with",
            ));
        }
        Ok(Expression::InSelect(Box::new(left), Box::new(select)))
    }

    /// Reads `exists (select … from table where …)`.
    pub(super) fn exists(&mut self, query: &Query) -> Result<Expression, Refusal> {
        Ok(Expression::Exists(Box::new(self.sub_select(query, false)?)))
    }

    /// Reads `(select auth.uid())`: a subquery over nothing is its one expression.
    pub(super) fn scalar(
        &mut self,
        query: &Query,
        wanted: Option<&LogicalType>,
    ) -> Result<Expression, Refusal> {
        let select = plain_select(query)?;
        if self.place != Place::Policy {
            return Err(Refusal::at(query.span(), "only policies may hold subqueries"));
        }
        match (select.from.as_slice(), select.projection.as_slice(), &select.selection) {
            ([], [SelectItem::UnnamedExpr(inner)], None) => self.value(inner, wanted),
            _ => Err(Refusal::at(
                query.span(),
                "a subquery here may only be (select <function>()); use exists or in",
            )),
        }
    }

    fn sub_select(&mut self, query: &Query, with_column: bool) -> Result<SubSelect, Refusal> {
        if self.place != Place::Policy {
            return Err(Refusal::at(query.span(), "only policies may ask other tables"));
        }
        let select = plain_select(query)?;
        let (table, alias) = match select.from.as_slice() {
            [from] if from.joins.is_empty() => plain_table(&from.relation)?,
            _ => return Err(Refusal::at(query.span(), "a subquery here reads exactly one table")),
        };
        let Some(row) = self.schema.get(&table) else {
            return Err(Refusal::at(query.span(), format!("there is no table {table}")));
        };
        if self.rows.iter().any(|(_, outer)| outer.name == table) {
            return Err(Refusal::at(
                query.span(),
                format!("a policy that asks the table {table} itself would recurse for ever"),
            ));
        }
        self.rows.push((alias, row));
        let inside = self.inside(select, with_column, table);
        self.rows.pop();
        inside
    }

    fn inside(&mut self, select: &Select, with_column: bool, table: String) -> Result<SubSelect, Refusal> {
        let column = match select.projection.as_slice() {
            [SelectItem::UnnamedExpr(column)] if with_column => Some(self.value(column, None)?),
            [_] if !with_column => None,
            _ => return Err(Refusal::at(select.span(), "a subquery here selects exactly one column")),
        };
        let filter = select.selection.as_ref().map(|filter| self.condition(filter)).transpose()?;
        Ok(SubSelect { table, column, filter })
    }
}

fn plain_select(query: &Query) -> Result<&Select, Refusal> {
    match query.body.as_ref() {
        SetExpr::Select(select) if is_plain_select(query, select) => Ok(select),
        _ => Err(Refusal::at(query.span(), "a subquery here is a plain select … from … where …")),
    }
}

fn plain_table(factor: &TableFactor) -> Result<(String, String), Refusal> {
    let TableFactor::Table { name: object, alias, args: None, .. } = factor else {
        return Err(Refusal::at(factor.span(), "a subquery here reads a table"));
    };
    let table = object_name(object)?;
    let alias = match alias {
        None => table.clone(),
        Some(alias) if alias.columns.is_empty() => name(&alias.name)?,
        Some(_) => return Err(Refusal::at(factor.span(), "an alias here renames no columns")),
    };
    Ok((table, alias))
}

fn arguments<'e>(function: &'e Function, whole: &Expr) -> Result<Vec<&'e Expr>, Refusal> {
    let ornate = function.uses_odbc_syntax
        || function.parameters != FunctionArguments::None
        || !function.within_group.is_empty()
        || function.filter.is_some()
        || function.null_treatment.is_some()
        || function.over.is_some();
    if ornate {
        return refuse(whole);
    }
    match &function.args {
        FunctionArguments::None => Ok(Vec::new()),
        FunctionArguments::List(list) if list.duplicate_treatment.is_none() && list.clauses.is_empty() => {
            list.args
                .iter()
                .map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
                    _ => refuse(whole),
                })
                .collect()
        }
        _ => refuse(whole),
    }
}
