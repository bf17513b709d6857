//! What a policy, constraint or filter says, typed and resolved, ready to be written for either engine.

use super::json_text::Step;
use super::literal::Literal;
use super::logical_type::LogicalType;

/// A typed expression. A column's `level` counts enclosing rows outwards: 0 is the nearest one.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A constant, written into the statement as a parameter.
    Constant(Literal, LogicalType),
    /// A column of the row in question, or of a row around it.
    Column {
        /// How many rows outwards.
        level: usize,
        /// The column.
        name: String,
        /// Its type.
        kind: LogicalType,
    },
    /// A fact about who asks; constant within one request.
    Claim(Claim),
    /// The moment of the request.
    Now,
    /// A fresh random UUID; in defaults only.
    RandomUuid,
    /// Negation.
    Not(Box<Self>),
    /// Every part holds.
    All(Vec<Self>),
    /// Some part holds.
    Any(Vec<Self>),
    /// A comparison; NULL where a side is NULL.
    Compare(Comparison, Box<Self>, Box<Self>),
    /// `is distinct from`: NULL counts as a value.
    Distinct(Box<Self>, Box<Self>),
    /// `is null`.
    IsNull(Box<Self>),
    /// `is true`, `is false`.
    IsTruth(Box<Self>, bool),
    /// `in (…)`.
    InList(Box<Self>, Vec<Self>),
    /// `in (select …)`.
    InSelect(Box<Self>, Box<SubSelect>),
    /// `exists (select …)`.
    Exists(Box<SubSelect>),
    /// `like` and, folding ASCII letters on SQLite, `ilike`.
    Like {
        /// What is looked at.
        value: Box<Self>,
        /// The pattern, with `%`, `_` and `\`.
        pattern: String,
        /// Whether case is ignored.
        fold: bool,
    },
    /// A regular expression; only PostgreSQL has them.
    Matches {
        /// What is looked at.
        value: Box<Self>,
        /// The pattern.
        pattern: String,
        /// Whether case is ignored.
        fold: bool,
    },
    /// The first value that is not NULL.
    Coalesce(Vec<Self>),
    /// NULL where both are equal, else the first.
    NullIf(Box<Self>, Box<Self>),
    /// The number of characters.
    Length(Box<Self>),
    /// A conversion to text.
    ToText(Box<Self>),
    /// A part of an object's name.
    PathPart(PathPart, Box<Self>),
    /// A part of a document.
    JsonPart {
        /// The document.
        document: Box<Self>,
        /// The way to the part.
        path: Vec<Step>,
        /// Whether the part is wanted as text (`->>`).
        as_text: bool,
    },
    /// `@>`: the left document holds the right one.
    Contains(Box<Self>, Box<Self>),
    /// An operator between a column and a text that only PostgreSQL knows.
    Native {
        /// The column.
        value: Box<Self>,
        /// The operator, from a fixed list.
        operator: &'static str,
        /// What stands right of it.
        operand: NativeOperand,
    },
}

/// Names a part of an object's name, as the functions of the schema `storage` do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathPart {
    /// `(storage.foldername(name))[n]`, from 1; NULL beyond the last folder.
    Folder(u32),
    /// `storage.filename(name)`.
    File,
    /// `storage.extension(name)`: what follows the last dot of the file's name, or all of it where it has none.
    Extension,
}

/// The right side of an operator that only PostgreSQL knows.
#[derive(Debug, Clone, PartialEq)]
pub enum NativeOperand {
    /// A text that PostgreSQL reads as the left side's type.
    Text(String),
    /// A full-text query: the function that reads it, its language, its words.
    TextSearch(&'static str, Option<String>, String),
}

/// Compares two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// Returns the operator in SQL.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Tells whether the answer depends on the order of texts.
    pub fn needs_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// A fact about who asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// `auth.uid()`
    Uid,
    /// `auth.org_id()`
    OrgId,
    /// `auth.org_role()`
    OrgRole,
    /// `auth.role()`
    Role,
    /// `auth.jwt()`, or a part of it, read as a type where it is cast.
    Jwt {
        /// The way to the part.
        path: Vec<Step>,
        /// Whether the part is wanted as text (`->>`).
        as_text: bool,
        /// The type it is cast to.
        cast: Option<LogicalType>,
    },
}

/// A query inside an expression, over one table.
#[derive(Debug, Clone, PartialEq)]
pub struct SubSelect {
    /// The table.
    pub table: String,
    /// What is selected; absent under `exists`.
    pub column: Option<Expression>,
    /// The condition; level 0 is a row of `table`.
    pub filter: Option<Expression>,
}

impl Expression {
    /// Builds a column of the row in question.
    pub fn column(name: &str, kind: &LogicalType) -> Self {
        Self::Column { level: 0, name: name.to_owned(), kind: kind.clone() }
    }

    /// Negates.
    #[must_use]
    pub fn negated(self, negated: bool) -> Self {
        if negated { Self::Not(Box::new(self)) } else { self }
    }

    /// Returns the type of the value.
    pub fn kind(&self) -> LogicalType {
        match self {
            Self::Constant(_, kind) | Self::Column { kind, .. } => kind.clone(),
            Self::Claim(claim) => claim.kind(),
            Self::Now => LogicalType::TimestampTz,
            Self::RandomUuid => LogicalType::Uuid,
            Self::Coalesce(parts) => parts.first().map_or(LogicalType::Text, Self::kind),
            Self::NullIf(first, _) => first.kind(),
            Self::Length(_) => LogicalType::Int,
            Self::ToText(_) | Self::PathPart(..) => LogicalType::Text,
            Self::JsonPart { as_text, .. } => {
                if *as_text {
                    LogicalType::Text
                } else {
                    LogicalType::Json
                }
            }
            _ => LogicalType::Bool,
        }
    }

    /// Calls `see` for this expression and every one inside it, subqueries included.
    pub fn walk(&self, see: &mut dyn FnMut(&Self)) {
        self.walk_rows(0, &mut |part, _| see(part));
    }

    /// Calls `see` as [`Expression::walk`] does, and says how many rows further in each stands: a column whose level is
    /// that number belongs to the outermost row.
    pub fn walk_rows(&self, depth: usize, see: &mut dyn FnMut(&Self, usize)) {
        see(self, depth);
        match self {
            Self::Not(inner)
            | Self::IsNull(inner)
            | Self::IsTruth(inner, _)
            | Self::Length(inner)
            | Self::ToText(inner)
            | Self::Like { value: inner, .. }
            | Self::Matches { value: inner, .. }
            | Self::Native { value: inner, .. }
            | Self::PathPart(_, inner)
            | Self::JsonPart { document: inner, .. } => inner.walk_rows(depth, see),
            Self::All(parts) | Self::Any(parts) | Self::Coalesce(parts) => {
                for part in parts {
                    part.walk_rows(depth, see);
                }
            }
            Self::Compare(_, left, right)
            | Self::Distinct(left, right)
            | Self::NullIf(left, right)
            | Self::Contains(left, right) => {
                left.walk_rows(depth, see);
                right.walk_rows(depth, see);
            }
            Self::InList(value, list) => {
                value.walk_rows(depth, see);
                for part in list {
                    part.walk_rows(depth, see);
                }
            }
            Self::InSelect(value, select) => {
                value.walk_rows(depth, see);
                select.walk_rows(depth + 1, see);
            }
            Self::Exists(select) => select.walk_rows(depth + 1, see),
            Self::Constant(..) | Self::Column { .. } | Self::Claim(_) | Self::Now | Self::RandomUuid => {}
        }
    }
}

impl SubSelect {
    fn walk_rows(&self, depth: usize, see: &mut dyn FnMut(&Expression, usize)) {
        self.column.iter().chain(&self.filter).for_each(|part| part.walk_rows(depth, see));
    }
}

impl Claim {
    /// Returns the type of the fact.
    pub fn kind(&self) -> LogicalType {
        match self {
            Self::Uid | Self::OrgId => LogicalType::Uuid,
            Self::OrgRole | Self::Role => LogicalType::Text,
            Self::Jwt { cast: Some(kind), .. } => kind.clone(),
            Self::Jwt { as_text, .. } => {
                if *as_text {
                    LogicalType::Text
                } else {
                    LogicalType::Json
                }
            }
        }
    }
}
