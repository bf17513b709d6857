//! Nouns: what the rest of the room is about.

pub mod access_claims;
pub mod api_key;
