//! Stories about people, told through the front in process, on each engine.

mod admin;
mod anonymous;
mod bad_input;
mod break_ins;
mod devices;
mod factors;
mod foreign_hashes;
mod harness;
mod links;
mod magic_links;
mod matrix;
mod oauth;
mod proofs;
mod realms;
mod rules;
mod schema;
mod sessions;
mod sign_up;
mod squatters;
mod sso;
mod transfer;
mod upstream;
mod user;
mod verification_tokens;
