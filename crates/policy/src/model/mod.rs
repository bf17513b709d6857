//! The nouns of schemas and policies and their pure rules: no async, no SQL that runs.
//!
//! Reading order: [`logical_type`] and [`literal`] (what a value is), [`table`] (what a schema is), [`expression`]
//! (what a policy or filter says), [`sql_subset`] (how migrations are read), [`storage_objects`], [`requester`] (in whose name).

pub mod decimal;
pub mod expression;
pub mod json_text;
pub mod literal;
pub mod logical_type;
pub mod moment;
pub mod requester;
pub mod sql_subset;
pub mod storage_objects;
pub mod table;
