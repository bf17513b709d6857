//! What an instance decides once, at its first start: its mode, and a sealed word that only its master key opens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use quoin_db::{Db, DbError, Migration, Statement, Tx, params, statements};
use quoin_kernel::Problem;
use quoin_kernel::seal::MasterKey;
use quoin_web::Mode;

statements! {
    GET = "select value from quoin.server_instance where name = ?1";
    INSERT = "insert into quoin.server_instance (name, value) values (?1, ?2) on conflict (name) do nothing";
}

/// The purpose and the text of the sealed word.
const CANARY: &str = "server.master_key_canary";

/// This room's schema.
pub(crate) static MIGRATIONS: &[Migration] = &[Migration {
    module: "server",
    name: "0001_instance",
    sql: include_str!("../migrations/0001_instance.sql"),
    postgres: None,
}];

/// This room's statements.
pub(crate) fn statements() -> &'static [&'static Statement] {
    ALL
}

/// Stores `wished` at the first start; later a different wish is refused, because data made in development must not
/// silently meet the public.
pub(crate) async fn settle_mode(db: &Db, wished: Option<Mode>, by_default: Mode) -> Result<Mode, Problem> {
    let first = name_of(wished.unwrap_or(by_default));
    let stored = db.write("server.mode.settle", move |tx| get_or_insert(tx, "mode", first)).await?;
    let stored = if stored == "development" { Mode::Development } else { Mode::Production };
    let refused = match wished {
        Some(wished) => wished != stored,
        None => stored == Mode::Development && by_default == Mode::Production,
    };
    if refused {
        let (was, now) = (name_of(stored), name_of(wished.unwrap_or(by_default)));
        return Err(Problem::invalid(format!(
            "This instance was first started in {was} mode and cannot run in {now} mode. Use a new data directory or database."
        )));
    }
    Ok(stored)
}

/// Refuses a master key that did not seal what this database holds.
pub(crate) async fn check_master_key(db: &Db, key: &MasterKey) -> Result<(), Problem> {
    let sealed = STANDARD_NO_PAD.encode(key.seal(CANARY, CANARY.as_bytes()));
    let stored = db.write("server.canary.settle", move |tx| get_or_insert(tx, "canary", &sealed)).await?;
    let opens = STANDARD_NO_PAD.decode(stored).is_ok_and(|bytes| key.open(CANARY, &bytes).is_ok());
    if opens {
        return Ok(());
    }
    Err(Problem::invalid(
        "The master key is not the one that sealed this database. Restore master.key, or set master_key to it.",
    ))
}

fn name_of(mode: Mode) -> &'static str {
    match mode {
        Mode::Development => "development",
        Mode::Production => "production",
    }
}

fn get_or_insert(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<String, DbError> {
    tx.execute(&INSERT, &params![name, value])?;
    tx.query_one(&GET, &params![name], |row| row.get(0))
}

/// Asks the database for a sign of life.
pub(crate) fn ping(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.query_opt(&GET, &params!["mode"], |row| row.get::<String>(0)).map(|_| ())
}
