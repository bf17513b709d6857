//! Requests on both engines, which must answer alike.

mod differential;
mod harness;
mod hidden_rows;
mod migrations;
mod object_policies;
mod races;
mod random;
