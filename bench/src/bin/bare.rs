//! The baseline without an engine.
fn main() {}
