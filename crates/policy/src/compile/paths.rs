//! Parts of objects' names.

use quoin_db::Engine;

use super::builder::SqlBuilder;
use crate::error::PolicyError;
use crate::model::expression::{Expression, PathPart};

impl SqlBuilder<'_> {
    /// Writes a part of a name.
    pub(super) fn path_part(&mut self, part: PathPart, name: &Expression) -> Result<(), PolicyError> {
        match (part, self.engine) {
            (PathPart::Folder(number), Engine::Postgres) => {
                let number = number.to_string();
                self.push("(case when ").push(&number).push(" < array_length(string_to_array(");
                self.expression(name)?;
                self.push(", '/'), 1) then (string_to_array(");
                self.expression(name)?;
                self.push(", '/'))[").push(&number).push("] end)");
            }
            (PathPart::File, _) => self.last_of(name, '/')?,
            (PathPart::Extension, Engine::Postgres) => {
                // A dot before the last slash is a folder's.
                self.push("regexp_replace(");
                self.last_of(name, '/')?;
                self.push(", '^.*[.]', '')");
            }
            (PathPart::Folder(number), Engine::Sqlite) => {
                let number_text = number.to_string();
                self.push("(case when ").push(&number_text).push(" < json_array_length(");
                self.split(name, '/')?;
                self.push(") then ");
                self.split(name, '/')?;
                self.push(" ->> ").push(&(number - 1).to_string()).push(" end)");
            }
            (PathPart::Extension, Engine::Sqlite) => {
                self.push("('[' || replace(json_quote(");
                self.last_of(name, '/')?;
                self.push("), '.', '\",\"') || ']') ->> '$[#-1]'");
            }
        }
        Ok(())
    }

    /// Writes a name as an array of its parts: SQLite's JSON leaves slashes and dots as they are.
    fn split(&mut self, name: &Expression, at: char) -> Result<(), PolicyError> {
        self.push("('[' || replace(json_quote(");
        self.expression(name)?;
        self.push("), '").push(at.encode_utf8(&mut [0; 4])).push("', '\",\"') || ']')");
        Ok(())
    }

    /// Writes the part after the last of a character.
    fn last_of(&mut self, name: &Expression, at: char) -> Result<(), PolicyError> {
        if self.engine == Engine::Sqlite {
            self.push("(");
            self.split(name, at)?;
            self.push(" ->> '$[#-1]')");
            return Ok(());
        }
        self.push("regexp_replace(");
        self.expression(name)?;
        self.push(", '^.*").push(at.encode_utf8(&mut [0; 4])).push("', '')");
        Ok(())
    }
}
