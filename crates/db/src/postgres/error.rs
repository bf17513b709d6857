//! Turns what the server and the driver report into [`DbError`].

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError as ServerError, Severity};

use super::params::Unencodable;
use crate::error::DbError;

/// Translates an error of the driver.
pub(super) fn translate(error: Error) -> DbError {
    if let Some(server) = error.as_db_error() {
        return translate_server(server);
    }
    let source = error.source();
    if let Some(Unencodable { code, message }) = source.and_then(|cause| cause.downcast_ref()) {
        return refused(code, message.clone());
    }
    // A statement text with a NUL cannot even be written to the wire; it never reached the server.
    if let Some(io) = source.and_then(|cause| cause.downcast_ref::<std::io::Error>())
        && io.kind() == std::io::ErrorKind::InvalidInput
    {
        return refused("22021", io.to_string());
    }
    if is_lost(&error) {
        return DbError::Unreachable(Box::new(error));
    }
    DbError::Driver(Box::new(error))
}

/// Tells whether nothing further can be done on the connection that gave this error.
pub(super) fn is_lost(error: &Error) -> bool {
    if let Some(server) = error.as_db_error() {
        return is_fatal(server);
    }
    let is_io =
        error.source().is_some_and(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(is_network));
    error.is_closed() || is_io
}

/// Makes a refusal of our own, with the SQLSTATE the server would give.
pub(super) fn refused(code: &str, message: impl Into<String>) -> DbError {
    DbError::Refused { code: code.to_owned(), message: message.into(), detail: None, hint: None }
}

fn translate_server(error: &ServerError) -> DbError {
    let constraint = || error.constraint().unwrap_or_default().to_owned();
    let detail = || error.detail().map(str::to_owned);
    match error.code().code() {
        "23505" => DbError::Unique { index: constraint(), detail: detail() },
        "23503" => DbError::ForeignKey {
            detail: Some(format!("{}: {}", constraint(), detail().unwrap_or_default())),
        },
        "23514" => DbError::Check { constraint: constraint() },
        "23502" => DbError::NotNull { column: error.column().unwrap_or_default().to_owned() },
        "40001" | "40P01" => DbError::Serialization,
        "57014" => DbError::Timeout,
        "53100" => DbError::Full,
        code if is_fatal(error) || code.starts_with("08") || code == "53300" => {
            // A wrong password, a missing database or a missing right is no outage: say it as it is.
            if ["28", "3D", "42"].contains(&&code[..2]) {
                return refused(code, error.message());
            }
            DbError::Unreachable(Box::new(error.clone()))
        }
        code => DbError::Refused {
            code: code.to_owned(),
            message: error.message().to_owned(),
            detail: detail(),
            hint: error.hint().map(str::to_owned),
        },
    }
}

fn is_fatal(error: &ServerError) -> bool {
    matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
        || error.code().code().starts_with("57P0")
}

/// The driver also reports texts it cannot encode as I/O errors; those leave the connection as it was.
fn is_network(error: &std::io::Error) -> bool {
    error.kind() != std::io::ErrorKind::InvalidInput
}
