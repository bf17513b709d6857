//! Runs the load scenarios.
use crate::Outcome;
pub(crate) fn run(_: &[String]) -> Outcome {
    Err("soon".into())
}
