//! Stories about people, told through the front in process, on each engine.

mod admin;
mod anonymous;
mod bad_input;
mod break_ins;
mod factors;
mod harness;
mod links;
mod magic_links;
mod rules;
mod schema;
mod sessions;
mod sign_up;
mod user;
