//! Parts of documents on SQLite, where a document is its canonical text.

use super::builder::SqlBuilder;
use crate::error::PolicyError;
use crate::model::expression::Expression;
use crate::model::json_text::{Json, Step};
use crate::model::literal::Literal;
use crate::model::logical_type::LogicalType;

/// How many conditions one document may turn into.
const MOST_PARTS: usize = 100;

impl SqlBuilder<'_> {
    /// Writes `->` and `->>`. A number keeps the digits it was written with; `null` is no text.
    pub(super) fn json_part(
        &mut self,
        document: &Expression,
        path: &[Step],
        as_text: bool,
    ) -> Result<(), PolicyError> {
        let path = Literal::Text(path_text(path));
        if !as_text {
            self.push("(");
            self.expression(document)?;
            self.push(" -> ").value(&path).push(")");
            return Ok(());
        }
        self.push("(case json_type(");
        self.expression(document)?;
        self.push(", ").value(&path).push(") when 'text' then ");
        self.expression(document)?;
        self.push(" ->> ").value(&path).push(" else nullif(");
        self.expression(document)?;
        self.push(" -> ").value(&path).push(", 'null') end)");
        Ok(())
    }

    /// Writes `@>` as one condition for each part that must be there.
    pub(super) fn contains(&mut self, left: &Expression, right: &Expression) -> Result<(), PolicyError> {
        let Expression::Constant(Literal::Json(wanted), _) = right else {
            return Err(PolicyError::NotOnSqlite("documents that are compared with documents of other rows"));
        };
        let wanted = Json::parse(wanted).map_err(|_| PolicyError::NotOnSqlite("such documents"))?;
        if parts(&wanted) > MOST_PARTS {
            return Err(PolicyError::TooMuch(format!("cs takes a document of at most {MOST_PARTS} parts")));
        }
        // NULL must stay NULL, or `not.cs` would find rows without a document.
        self.push("(");
        self.expression(left)?;
        self.push(" is null and null or ");
        self.contained(&Holder::Whole(left), &wanted)?;
        self.push(")");
        Ok(())
    }

    fn contained(&mut self, holder: &Holder<'_>, wanted: &Json) -> Result<(), PolicyError> {
        match wanted {
            Json::Object(members) => {
                self.typed(holder, "object")?;
                for (key, value) in members {
                    self.push(" and ");
                    self.push("(");
                    let step = [Step::Key(key.clone())];
                    self.contained(&Holder::Part(holder, &step), value)?;
                    self.push(")");
                }
            }
            Json::Array(items) => {
                self.typed(holder, "array")?;
                for item in items {
                    let alias = self.fresh_alias();
                    self.push(" and exists (select 1 from json_each(");
                    self.holder(holder)?;
                    self.push(") as ").name(&alias).push(" where ");
                    self.contained(&Holder::Element(holder, &alias), item)?;
                    self.push(")");
                }
            }
            Json::Number(number) => {
                self.push("(json_type(");
                self.holder(holder)?;
                self.push(") in ('integer', 'real') and (");
                self.holder(holder)?;
                let number = Literal::parse(&LogicalType::Double, number)?;
                self.push(" ->> '$') = ").value(&number).push(")");
            }
            scalar => {
                let mut text = String::new();
                scalar.write(&mut text);
                self.push("ifnull(");
                self.holder(holder)?;
                self.push(" = ").value(&Literal::Text(text)).push(", 0)");
            }
        }
        Ok(())
    }

    fn typed(&mut self, holder: &Holder<'_>, kind: &str) -> Result<(), PolicyError> {
        self.push("ifnull(json_type(");
        self.holder(holder)?;
        self.push(") = '").push(kind).push("', 0)");
        Ok(())
    }

    fn holder(&mut self, holder: &Holder<'_>) -> Result<(), PolicyError> {
        match holder {
            Holder::Whole(expression) => self.expression(expression),
            Holder::Part(inner, path) => {
                self.push("(");
                self.holder(inner)?;
                self.push(" -> ").value(&Literal::Text(path_text(path))).push(")");
                Ok(())
            }
            Holder::Element(inner, alias) => {
                self.push("(");
                self.holder(inner)?;
                self.push(" -> ").name(alias).push(".\"fullkey\")");
                Ok(())
            }
        }
    }
}

/// A document, or a part of one, that is looked into.
enum Holder<'h> {
    Whole(&'h Expression),
    Part(&'h Holder<'h>, &'h [Step]),
    Element(&'h Holder<'h>, &'h str),
}

fn parts(json: &Json) -> usize {
    match json {
        Json::Object(members) => 1 + members.iter().map(|(_, value)| parts(value)).sum::<usize>(),
        Json::Array(items) => 1 + items.iter().map(parts).sum::<usize>(),
        _ => 1,
    }
}

/// Writes a path in SQLite's language. Keys with quotes in them are refused where paths are read.
fn path_text(path: &[Step]) -> String {
    path.iter().fold(String::from("$"), |text, step| match step {
        Step::Key(key) => format!("{text}.\"{key}\""),
        Step::Index(index) if *index < 0 => format!("{text}[#{index}]"),
        Step::Index(index) => format!("{text}[{index}]"),
    })
}
