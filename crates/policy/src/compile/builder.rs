//! One SQL text under construction, with its parameters.

use quoin_db::{Engine, Value};
use quoin_kernel::Problem;

use crate::catalogue::Catalogue;
use crate::error::PolicyError;
use crate::model::literal::Literal;
use crate::model::requester::Requester;

/// How deep policies may ask tables whose policies ask tables.
pub(super) const DEEPEST_POLICY: usize = 8;

/// Collects the text and parameters of one statement.
pub struct SqlBuilder<'a> {
    /// The engine it is written for.
    pub engine: Engine,
    pub(super) catalogue: &'a Catalogue,
    pub(super) requester: &'a Requester,
    text: String,
    params: Vec<Value<'static>>,
    /// Whether values are written into the text: constraints and seeds on SQLite take no parameters.
    inline: bool,
    /// The names of the rows in sight, the nearest last.
    pub(super) rows: Vec<String>,
    pub(super) aliases: usize,
    pub(super) depth: usize,
}

impl<'a> SqlBuilder<'a> {
    /// Starts an empty statement.
    pub fn new(engine: Engine, catalogue: &'a Catalogue, requester: &'a Requester) -> Self {
        Self {
            engine,
            catalogue,
            requester,
            text: String::with_capacity(256),
            params: Vec::new(),
            inline: false,
            rows: Vec::new(),
            aliases: 0,
            depth: 0,
        }
    }

    /// Starts SQL for SQLite that takes no parameters.
    pub fn inline(catalogue: &'a Catalogue, requester: &'a Requester) -> Self {
        Self { inline: true, ..Self::new(Engine::Sqlite, catalogue, requester) }
    }

    /// Tells whether values are written into the text.
    pub(super) fn is_inline(&self) -> bool {
        self.inline
    }

    /// Returns the name of the nearest row in sight.
    pub fn nearest_row(&self) -> Option<&str> {
        self.rows.last().map(String::as_str)
    }

    /// Returns who asks.
    pub fn requester(&self) -> &'a Requester {
        self.requester
    }

    /// Appends SQL.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    /// Appends a name of the catalogue, quoted.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        // Names are plain where Quoin accepted them; PostgreSQL's own tools may make others.
        self.text.push_str(&name.replace('"', "\"\""));
        self.text.push('"');
        self
    }

    /// Appends a user's table with its schema.
    pub fn table(&mut self, name: &str) -> &mut Self {
        if self.engine == Engine::Postgres {
            self.push("public.");
        }
        self.name(name)
    }

    /// Appends a value: as the next parameter, or written out.
    pub fn value(&mut self, literal: &Literal) -> &mut Self {
        if self.inline {
            self.text.push_str(&literal.to_sqlite_sql());
            return self;
        }
        self.param(literal.bind(self.engine))
    }

    /// Appends a parameter.
    pub fn param(&mut self, value: Value<'static>) -> &mut Self {
        self.params.push(value);
        let parameter = self.engine.parameter(self.params.len());
        self.text.push_str(&parameter);
        self
    }

    /// Appends a comma-separated list.
    ///
    /// # Errors
    /// What `write` fails with.
    pub fn list<T, E>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), E>,
    ) -> Result<&mut Self, E> {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            write(self, item)?;
        }
        Ok(self)
    }

    /// Appends quoted names, comma-separated.
    pub fn names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> &mut Self {
        for (index, name) in names.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.name(name);
        }
        self
    }

    /// Returns the text and parameters.
    pub fn finish(self) -> (String, Vec<Value<'static>>) {
        (self.text, self.params)
    }

    /// Runs `write` with the row called `alias` in sight.
    pub fn within<T>(&mut self, alias: String, write: impl FnOnce(&mut Self) -> T) -> T {
        self.rows.push(alias);
        let written = write(self);
        self.rows.pop();
        written
    }

    /// Runs `write` with nothing in sight but the row called `alias`: a policy sees only its own table.
    pub fn within_only<T>(&mut self, alias: String, write: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.rows, vec![alias]);
        let written = write(self);
        self.rows = outer;
        written
    }

    /// Makes an alias that no table can have.
    pub fn fresh_alias(&mut self) -> String {
        self.aliases += 1;
        format!("quoin_{}", self.aliases)
    }
}

/// An expression of the catalogue that the engine cannot run; a fault of ours, since the subset refuses them.
pub(super) fn impossible(what: &str) -> PolicyError {
    PolicyError::Problem(Problem::internal(format!("{what} reached the compiler")))
}
