//! Which names users' SQL may use: plain ones, in schema `public`, and none of Quoin's or the engines' own.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, Spanned};

use super::refusal::Refusal;
use crate::model::storage_objects;

/// Prefixes of names that belong to Quoin or to an engine.
const RESERVED_PREFIXES: [&str; 3] = ["quoin_", "sqlite_", "pg_"];

/// Returns the name as PostgreSQL folds it: lower case unless quoted.
///
/// # Errors
/// Refuses names with other characters than letters, digits and `_`, longer than 63, or reserved.
pub(super) fn name(ident: &Ident) -> Result<String, Refusal> {
    let folded = match ident.quote_style {
        None => ident.value.to_lowercase(),
        Some(_) => ident.value.clone(),
    };
    let refuse = |why: &str| Err(Refusal::at(ident.span, format!("the name \"{folded}\" {why}")));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if folded.is_empty() || folded.len() > 63 || !folded.chars().all(plain) {
        return refuse("must be 1 to 63 letters, digits and underscores");
    }
    if folded.starts_with(|c: char| c.is_ascii_digit()) {
        return refuse("must not start with a digit");
    }
    let lower = folded.to_lowercase();
    if RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) || lower == "rowid" {
        return refuse("is reserved");
    }
    Ok(folded)
}

/// Returns the name of a policy: any text, since it is never written into SQL of ours.
pub(super) fn policy_name(ident: &Ident) -> String {
    match ident.quote_style {
        None => ident.value.to_lowercase(),
        Some(_) => ident.value.clone(),
    }
}

/// Returns the name of a table or index, which may be written with the schema `public`.
///
/// # Errors
/// Refuses other schemas and reserved names.
pub(super) fn object_name(object: &ObjectName) -> Result<String, Refusal> {
    match parts(object)?.as_slice() {
        [table] => name(table),
        [schema, table] if name(schema)? == "public" => name(table),
        _ => Err(Refusal::at(object.span(), format!("\"{object}\" is not in the schema public"))),
    }
}

/// Returns the name of a table that policies may guard: one of the users', or `storage.objects`.
///
/// # Errors
/// As [`object_name`].
pub(super) fn guarded_name(object: &ObjectName) -> Result<String, Refusal> {
    let parts = parts(object)?;
    let is = |ident: &Ident, wanted: &str| name(ident).is_ok_and(|name| name == wanted);
    match parts.as_slice() {
        [schema, table] if is(schema, "storage") && is(table, "objects") => {
            Ok(storage_objects::NAME.to_owned())
        }
        _ => object_name(object),
    }
}

/// Returns the identifiers of a qualified name.
///
/// # Errors
/// Refuses names that are computed.
pub(super) fn parts(object: &ObjectName) -> Result<Vec<&Ident>, Refusal> {
    object
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident),
            ObjectNamePart::Function(_) => Err(Refusal::at(object.span(), "a name must not be computed")),
        })
        .collect()
}
