//! Writes the statements of this room for either engine. Pure: nothing here runs.
//!
//! Expressions and policies are written by `quoin_policy`'s builder; the three writers of rows extend it by a trait
//! each, [`reading`], [`inserting`] and [`changing`]; [`condition`] puts policies before what a caller asks; [`schema`] writes migrations for SQLite.

pub mod changing;
pub mod condition;
pub mod inserting;
pub mod reading;
pub mod schema;
pub mod statement;
