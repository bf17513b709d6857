//! `create policy` and `drop policy`.

use sqlparser::ast::{CreatePolicy, CreatePolicyCommand, CreatePolicyType, DropPolicy, Expr, Owner, Spanned};

use super::Change;
use super::expressions::{Place, Resolver};
use super::names::{guarded_name, policy_name};
use super::refusal::Refusal;
use super::tables::find;
use crate::model::expression::Expression;
use crate::model::storage_objects;
use crate::model::table::{Command, Policy, Schema, Table};

/// Accepts `create policy`.
pub(super) fn create(create: &CreatePolicy, schema: &mut Schema) -> Result<Change, Refusal> {
    let table_name = guarded_name(&create.table_name)?;
    let table = find(schema, &table_name)?;
    let name = policy_name(&create.name);
    if table.policies.iter().any(|policy| policy.name == name) {
        return Err(Refusal::at(create.name.span, format!("{table_name} has a policy \"{name}\" already")));
    }
    let command = match create.command {
        None | Some(CreatePolicyCommand::All) => Command::All,
        Some(CreatePolicyCommand::Select) => Command::Select,
        Some(CreatePolicyCommand::Insert) => Command::Insert,
        Some(CreatePolicyCommand::Update) => Command::Update,
        Some(CreatePolicyCommand::Delete) => Command::Delete,
    };
    if command == Command::Insert && create.using.is_some() {
        return Err(Refusal::at(create.name.span, "a policy for insert takes with check only"));
    }
    if matches!(command, Command::Select | Command::Delete) && create.with_check.is_some() {
        return Err(Refusal::at(create.name.span, "a policy for select or delete takes using only"));
    }
    let policy = Policy {
        name,
        command,
        roles: roles(create)?,
        permissive: create.policy_type != Some(CreatePolicyType::Restrictive),
        using: condition(create.using.as_ref(), schema, table)?,
        check: condition(create.with_check.as_ref(), schema, table)?,
    };
    if let Some(table) = schema.get_mut(&table_name) {
        table.policies.push(policy);
    }
    Ok(change_of(&table_name))
}

fn roles(create: &CreatePolicy) -> Result<Vec<String>, Refusal> {
    let mut roles = Vec::new();
    for owner in create.to.iter().flatten() {
        let role = match owner {
            Owner::Ident(ident) => ident.value.to_lowercase(),
            other => {
                return Err(Refusal::at(
                    create.name.span,
                    format!("a policy is for anon, authenticated, service_role or public, not {other}"),
                ));
            }
        };
        match role.as_str() {
            "public" => return Ok(Vec::new()),
            "anon" | "authenticated" | "service_role" => roles.push(role),
            _ => {
                return Err(Refusal::at(
                    create.name.span,
                    format!("there is no role {role}: use anon, authenticated or public"),
                ));
            }
        }
    }
    Ok(roles)
}

fn condition(expr: Option<&Expr>, schema: &Schema, table: &Table) -> Result<Option<String>, Refusal> {
    let Some(expr) = expr else { return Ok(None) };
    Resolver::new(schema, Place::Policy, Some(table))
        .condition(expr)
        .map_err(|refusal| refusal.or_line(expr.span().start.line))?;
    Ok(Some(expr.to_string()))
}

/// Accepts `drop policy`.
pub(super) fn drop(drop: &DropPolicy, schema: &mut Schema) -> Result<Change, Refusal> {
    let table_name = guarded_name(&drop.table_name)?;
    find(schema, &table_name)?;
    let name = policy_name(&drop.name);
    let Some(table) = schema.get_mut(&table_name) else { return Ok(Change::Document) };
    let before = table.policies.len();
    table.policies.retain(|policy| policy.name != name);
    if table.policies.len() == before && !drop.if_exists {
        return Err(Refusal::at(drop.name.span, format!("{table_name} has no policy \"{name}\"")));
    }
    Ok(change_of(&table_name))
}

/// PostgreSQL is told of policies on the users' tables, and of no others.
fn change_of(table_name: &str) -> Change {
    if table_name == storage_objects::NAME { Change::Guard } else { Change::Document }
}

/// Finds a policy of another table that asks `target`: that table's name and the policy's.
pub(super) fn asking(schema: &Schema, target: &str) -> Option<(String, String)> {
    for table in schema.values().filter(|table| table.name != target) {
        for policy in &table.policies {
            let mut asks = false;
            for sql in policy.using.iter().chain(&policy.check) {
                if let Ok(expression) = super::stored_expression(sql, schema, table, Place::Policy, None) {
                    expression.walk(&mut |part| {
                        asks |= match part {
                            Expression::InSelect(_, select) | Expression::Exists(select) => {
                                select.table == target
                            }
                            _ => false,
                        };
                    });
                }
            }
            if asks {
                return Some((table.name.clone(), policy.name.clone()));
            }
        }
    }
    None
}
