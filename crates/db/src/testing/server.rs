//! Commands to the PostgreSQL server of the tests that no transaction may hold: making and dropping databases.

use crate::postgres;

/// Runs one command on the server of `url`, on a thread of its own, so that it works inside any runtime and while dropping.
pub(super) fn run(url: &str, command: String) -> Result<(), String> {
    let url = url.to_owned();
    let thread = std::thread::Builder::new()
        .name("postgres-admin".into())
        .spawn(move || postgres::run_outside_transactions(&url, &command))
        .map_err(|error| error.to_string())?;
    let ran = thread.join().map_err(|_| "the thread panicked".to_owned())?;
    ran.map_err(|error| error.to_string())
}

/// Replaces the database in a URL.
pub(super) fn with_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let host_start = address.find("://").map_or(0, |position| position + 3);
    let server_end = address[host_start..].find('/').map_or(address.len(), |position| host_start + position);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &address[..server_end])
}
