//! What a request for rows says, and what it is answered.

use std::sync::Arc;

use bytes::Bytes;

use super::Data;
use crate::error::DataError;
use crate::model::query::{Filters, Parameters, Preferences, Return, Window};
use crate::render::{Format, Plans, Renderer};
use quoin_policy::catalogue::{Catalogue, TableEntry};
use quoin_policy::model::expression::Expression;
use quoin_policy::model::requester::{RequestRole, Requester};

/// A request for rows of one table, read but not yet resolved.
#[derive(Debug, Clone)]
pub struct RowsRequest {
    /// Who asks.
    pub requester: Requester,
    /// The table's name.
    pub table: String,
    /// The query string.
    pub parameters: Parameters,
    /// The header `Prefer`.
    pub preferences: Preferences,
    /// The form of the answer.
    pub format: Format,
    /// Whether members that are NULL are left out.
    pub strip_nulls: bool,
    /// The header `Range`.
    pub range: Option<String>,
    /// The body.
    pub body: Bytes,
    /// The form of the body.
    pub body_format: BodyFormat,
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// JSON.
    Json,
    /// Comma-separated values.
    Csv,
}

/// The answer to a request for rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; none is sent where absent.
    pub body: Option<String>,
    /// The body's form.
    pub format: Format,
    /// Whether members that are NULL were left out.
    pub strip_nulls: bool,
    /// The header `Content-Range`.
    pub content_range: Option<String>,
    /// The header `Location`.
    pub location: Option<String>,
    /// The header `Preference-Applied`.
    pub preference_applied: Option<String>,
}

/// A request resolved against the catalogue.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) entry: Arc<TableEntry>,
    pub(super) filter: Expression,
    pub(super) renderer: Renderer,
    pub(super) window: Window,
}

impl Data {
    /// Finds the table and reads the parameters that every request has.
    ///
    /// A table without row level security is the platform's; for anybody else it does not exist.
    pub(super) async fn resolve(&self, request: &RowsRequest) -> Result<Resolved, DataError> {
        let catalogue = self.cache().current(self.db()).await?;
        let entry = catalogue.entry(&request.table)?;
        if !entry.table.row_security && request.requester.role != RequestRole::Service {
            return Err(DataError::UnknownTable(request.table.clone()));
        }
        let parameters = &request.parameters;
        let plan = Plans::of(&entry).plan(parameters.select.as_deref(), &entry.table)?;
        let filter = Filters::parse(&parameters.filters, &entry.table)?;
        let (limit, offset) = (parameters.limit.as_deref(), parameters.offset.as_deref());
        let window = Window::parse(limit, offset, request.range.as_deref())?;
        let renderer = Renderer::new(self.engine(), request.format, request.strip_nulls, plan);
        Ok(Resolved { catalogue, entry, filter, renderer, window })
    }

    /// Lets the next request look at the schema again where an error says that it has changed.
    pub(super) fn note(&self, error: DataError) -> DataError {
        if let DataError::Refused { code, .. } = &error
            && matches!(code.as_str(), "42P01" | "42703" | "42601" | "42804")
        {
            self.cache().forget();
        }
        error
    }
}

impl RowsRequest {
    /// Says what the write answers with.
    pub(super) fn returning(&self) -> Return {
        self.preferences.returning.unwrap_or_default()
    }

    /// Refuses an order of changed rows, which SQLite cannot give.
    pub(super) fn refuse_order(&self) -> Result<(), DataError> {
        if self.parameters.order.is_some() {
            let details = "order is for reading; sort the answered rows instead".to_owned();
            return Err(DataError::BadQuery("order".into(), details));
        }
        Ok(())
    }
}

impl Answer {
    /// Starts an answer in the form that the request asks for.
    pub(super) fn to(request: &RowsRequest, status: u16) -> Self {
        Self {
            status,
            body: None,
            format: request.format,
            strip_nulls: request.strip_nulls,
            content_range: None,
            location: None,
            preference_applied: None,
        }
    }
}

/// Turns the answer of a write that was undone on request back into an answer.
pub(super) fn undone(result: Result<Answer, DataError>) -> Result<Answer, DataError> {
    match result {
        Err(DataError::RolledBack(answer)) => Ok(*answer),
        other => other,
    }
}

/// A write that ends with its own undoing still has to be an error inside the transaction.
pub(super) fn keep_or_undo(answer: Answer, request: &RowsRequest) -> Result<Answer, DataError> {
    if request.preferences.rollback { Err(DataError::RolledBack(Box::new(answer))) } else { Ok(answer) }
}
