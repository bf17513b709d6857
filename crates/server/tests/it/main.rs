//! The one integration binary: a whole instance in process, on each engine.

mod attacks;
mod catalogue;
mod organisations;
mod people;
mod revocations;
