//! Why a migration is refused, and where.

use sqlparser::tokenizer::Span;

/// Says in which line of the migration something stands that is not accepted, and why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Refusal {
    /// The line, from 1; 0 where only the statement around it knows.
    pub line: u64,
    /// What stands there and what to do.
    pub reason: String,
}

impl Refusal {
    /// Refuses what stands at `span`.
    pub fn at(span: Span, reason: impl Into<String>) -> Self {
        Self { line: span.start.line, reason: reason.into() }
    }

    /// Refuses something whose place only the statement around it knows.
    pub fn here(reason: impl Into<String>) -> Self {
        Self { line: 0, reason: reason.into() }
    }

    /// Fills in the statement's line where no nearer one is known.
    #[must_use]
    pub fn or_line(mut self, line: u64) -> Self {
        if self.line == 0 {
            self.line = line;
        }
        self
    }
}
