//! What a request asks of one table, read from its query string and headers and resolved against the catalogue.
//!
//! Reading order: [`parameters`] (the query string in pieces), [`selection`], [`filter`] and `operator`, [`order`],
//! [`range`], [`preferences`].

pub mod filter;
pub mod operator;
pub mod order;
pub mod parameters;
pub mod preferences;
pub mod range;
pub mod selection;
mod text;

pub use filter::Filters;
pub use order::OrderTerm;
pub use parameters::Parameters;
pub use preferences::{Count, Preferences, Resolution, Return};
pub use range::Window;
pub use selection::{Output, Selection};
