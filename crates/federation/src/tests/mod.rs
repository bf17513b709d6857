//! A provider played in memory, and every way in which it can go wrong.

mod conformance;
mod dns;
mod mistakes;
mod played;
mod upstream;
