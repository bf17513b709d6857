//! Rows as JSON or CSV, written straight from the driver into one text, without a tree of values in between.

mod cell;
mod plans;

use std::sync::Arc;

use quoin_db::{DbError, Engine, Row};

use crate::model::query::Selection;
use quoin_policy::model::json_text::write_string;
use quoin_policy::model::literal::BadValue;
use quoin_policy::model::table::{Column, Table};

/// Says in which form rows are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON array of objects.
    Json,
    /// One JSON object.
    Object,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
}

/// Writes rows into one text.
#[derive(Debug, Clone)]
pub struct Renderer {
    engine: Engine,
    format: Format,
    strip_nulls: bool,
    plan: Arc<Plan>,
}

/// What each row is written from: made once for a selection, and shared by all requests that have it.
#[derive(Debug)]
pub struct Plan {
    members: Vec<Member>,
    /// The columns that the statement reads, each once.
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
struct Member {
    /// `"label":`, ready to be written.
    key: String,
    label: String,
    index: usize,
    output: crate::model::query::Output,
    is_plain: bool,
}

/// A row that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A column holds something else than its type says.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A cast that the value does not allow.
    #[error(transparent)]
    BadValue(#[from] BadValue),
}

pub use self::plans::Plans;

impl Plan {
    /// Plans the outputs of a selection.
    pub fn new(selection: &Selection, table: &Table) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        let mut members = Vec::with_capacity(selection.outputs.len());
        for output in &selection.outputs {
            let known = columns.iter().position(|column| column.name == output.column);
            let index = known.unwrap_or(columns.len());
            if known.is_none() {
                columns.extend(table.column(&output.column).cloned());
            }
            let mut key = String::with_capacity(output.label.len() + 3);
            write_string(&output.label, &mut key);
            key.push(':');
            let is_plain = output.path.is_empty() && output.cast.is_none();
            members.push(Member {
                key,
                label: output.label.clone(),
                index,
                output: output.clone(),
                is_plain,
            });
        }
        Self { members, columns }
    }
}

impl Renderer {
    /// Prepares to write rows by a plan.
    pub fn new(engine: Engine, format: Format, strip_nulls: bool, plan: Arc<Plan>) -> Self {
        Self { engine, format, strip_nulls, plan }
    }

    /// Returns the columns that the statement must read, in order.
    pub fn columns(&self) -> Vec<&Column> {
        self.plan.columns.iter().collect()
    }

    /// Starts the text.
    pub fn begin(&self, out: &mut String) {
        match self.format {
            Format::Json => out.push('['),
            Format::Object => {}
            Format::Csv => {
                for (index, member) in self.plan.members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_csv(&member.label, out);
                }
            }
        }
    }

    /// Ends the text.
    pub fn end(&self, out: &mut String) {
        if self.format == Format::Json {
            out.push(']');
        }
    }

    /// Writes one row; `index` counts from 0.
    ///
    /// # Errors
    /// A cast that the value does not allow.
    pub fn row(&self, row: &Row<'_>, index: u64, out: &mut String) -> Result<(), RenderError> {
        match self.format {
            Format::Csv => self.csv_row(row, out),
            Format::Json if index > 0 => {
                out.push(',');
                self.object(row, out)
            }
            Format::Json | Format::Object => self.object(row, out),
        }
    }

    fn object(&self, row: &Row<'_>, out: &mut String) -> Result<(), RenderError> {
        out.push('{');
        let start = out.len();
        for member in &self.plan.members {
            let before = out.len();
            if before > start {
                out.push(',');
            }
            out.push_str(&member.key);
            let is_null = if member.is_plain {
                cell::write_column(row, member.index, &member.output.kind, self.engine, out)?
            } else {
                cell::write_output(row, member.index, &member.output, out)?
            };
            if is_null && self.strip_nulls {
                out.truncate(before);
            } else if is_null {
                out.push_str("null");
            }
        }
        out.push('}');
        Ok(())
    }

    fn csv_row(&self, row: &Row<'_>, out: &mut String) -> Result<(), RenderError> {
        out.push('\n');
        for (index, member) in self.plan.members.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            if let Some(text) = cell::text(row, member.index, &member.output)? {
                write_csv(&text, out);
            }
        }
        Ok(())
    }
}

/// Writes a value, in quotes where it needs them; an empty text has some, to differ from NULL.
fn write_csv(text: &str, out: &mut String) {
    let needs_quotes = text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.starts_with(' ');
    if needs_quotes {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}
