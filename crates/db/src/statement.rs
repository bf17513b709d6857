//! SQL texts as named constants, so that every one of them can be prepared on both engines by a test.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Names a database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, bundled.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// One SQL text in the common dialect: PostgreSQL's names (`quoin.users`) and SQLite's parameters (`?1`).
///
/// On SQLite `quoin.` becomes the prefix `quoin_`; on PostgreSQL `?1` becomes `$1`. Both are done once.
#[derive(Debug)]
pub struct Statement {
    name: &'static str,
    common: &'static str,
    postgres: Option<&'static str>,
    sqlite_text: OnceLock<String>,
    postgres_text: OnceLock<String>,
}

impl Statement {
    /// Names a text that is the same on both engines.
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            common: sql,
            postgres: None,
            sqlite_text: OnceLock::new(),
            postgres_text: OnceLock::new(),
        }
    }

    /// Names a text with a second one for PostgreSQL, where it must differ.
    pub const fn differing(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self {
            name,
            common: sqlite,
            postgres: Some(postgres),
            sqlite_text: OnceLock::new(),
            postgres_text: OnceLock::new(),
        }
    }

    /// Returns the constant's name, for logs.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Tells whether the engines run different texts.
    pub const fn differs(&self) -> bool {
        self.postgres.is_some()
    }

    /// Returns the text that `engine` runs.
    pub fn text(&self, engine: Engine) -> &str {
        match engine {
            Engine::Sqlite => self.sqlite_text.get_or_init(|| to_sqlite(self.common)),
            Engine::Postgres => {
                self.postgres_text.get_or_init(|| to_postgres(self.postgres.unwrap_or(self.common)))
            }
        }
    }
}

/// Declares the statements of one store file and `ALL`, their catalogue.
///
/// ```ignore
/// statements! {
///     FIND = "select id from quoin.users where id = ?1";
///     CLAIM = "… sqlite …", postgres: "… for update skip locked";
/// }
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr $(, postgres: $postgres:expr)?;)*) => {
        $($(#[$doc])* static $name: $crate::Statement = $crate::statements!(@one $name, $sql $(, $postgres)?);)*
        /// Every statement of this file.
        pub(crate) static ALL: &[&$crate::Statement] = &[$(&$name),*];
    };
    (@one $name:ident, $sql:expr) => { $crate::Statement::new(stringify!($name), $sql) };
    (@one $name:ident, $sql:expr, $postgres:expr) => {
        $crate::Statement::differing(stringify!($name), $sql, $postgres)
    };
}

/// SQL that is built while running, already in the dialect of the engine it goes to (see [`crate::dialect`]).
#[derive(Debug, Clone)]
pub struct DynamicSql(pub String);

/// Anything that can be run: a named statement or dynamic SQL.
pub trait Sql {
    /// Returns the text for `engine`.
    fn sql(&self, engine: Engine) -> Cow<'_, str>;
}

impl Sql for Statement {
    fn sql(&self, engine: Engine) -> Cow<'_, str> {
        Cow::Borrowed(self.text(engine))
    }
}

impl Sql for DynamicSql {
    fn sql(&self, _: Engine) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

/// Turns the schema `quoin.` into the prefix `quoin_`.
pub(crate) fn to_sqlite(sql: &str) -> String {
    sql.replace("quoin.", "quoin_")
}

/// Turns `?1` into `$1`. System SQL holds no question mark in a literal; a test watches over it.
pub(crate) fn to_postgres(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        let is_parameter = c == '?' && rest.peek().is_some_and(char::is_ascii_digit);
        out.push(if is_parameter { '$' } else { c });
    }
    out
}
