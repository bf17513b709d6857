//! Writes expressions and policies as SQL for either engine. Pure: nothing here runs.
//!
//! Values go in as parameters only, names come from the catalogue only, and the same shape always gives the same text,
//! so that prepared statements are met again.
//!
//! Reading order: [`builder`], `expression`, [`policy`].

pub mod builder;
mod expression;
mod json_on_sqlite;
mod paths;
pub mod policy;
