//! Row policies in PostgreSQL's language: how they are read, and how they are held to on either engine.
//!
//! The rooms above agree here on what a policy means: the Database API guards the users' tables with it, the File
//! Storage API its objects. Its nouns are the [`model::table::Table`] that a migration makes, the
//! [`model::expression::Expression`] that a policy says, and the [`model::requester::Requester`] in whose name a request
//! runs. It knows no HTTP and stores nothing: whoever reads the users' schema hands it over as a [`catalogue::Catalogue`].
//!
//! Invariants: values reach SQL as parameters only, names come from the catalogue only; of the policies that concern a
//! command and a role some permissive one must hold and every restrictive one; NULL is not true.
//!
//! Reading order: [`model`], [`catalogue`], [`compile`], [`session`], [`object_guard`].

pub mod catalogue;
pub mod compile;
pub mod error;
pub mod model;
pub mod object_guard;
pub mod port;
pub mod session;

pub use error::PolicyError;
