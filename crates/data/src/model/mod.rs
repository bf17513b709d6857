//! The nouns of the Database API and their pure rules: no async, no SQL that runs.
//!
//! Types, tables, expressions and who asks are `quoin_policy`'s. Reading order: [`migration`], [`body`], [`query`].

pub mod body;
pub mod migration;
pub mod query;
