//! The operators of filters, resolved against the type of what they are applied to.

use super::selection::not_a_document;
use super::text::{Field, items, unquote};
use crate::error::DataError;
use quoin_policy::model::expression::{Comparison, Expression, NativeOperand};
use quoin_policy::model::json_text::Step;
use quoin_policy::model::literal::Literal;
use quoin_policy::model::logical_type::{Family, LogicalType};
use quoin_policy::model::requester::RequestRole;
use quoin_policy::model::table::Table;

/// How many values `any` and `all` may hold: each becomes a condition, and SQLite's nest at most 1000 deep.
const MOST_ALTERNATIVES: usize = 200;
/// How long a pattern may be, in bytes.
const LONGEST_PATTERN: usize = 1000;
/// How many values a list may hold.
const MOST_VALUES: usize = 1000;

/// Says whether one of the values must match, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Any,
    All,
}

/// Reads `not.eq(any).{1,2}` for a field.
pub(super) fn condition(field: &Field, text: &str, table: &Table) -> Result<Expression, DataError> {
    let (negated, rest) = text.strip_prefix("not.").map_or((false, text), |rest| (true, rest));
    let (head, value) = rest.split_once('.').ok_or_else(|| unreadable(text))?;
    let (operator, argument) = match head.split_once('(') {
        Some((operator, argument)) => {
            (operator, Some(argument.strip_suffix(')').ok_or_else(|| unreadable(text))?))
        }
        None => (head, None),
    };
    let subject = subject(field, table)?;
    let condition = match (operator, argument) {
        ("eq" | "neq" | "gt" | "gte" | "lt" | "lte" | "like" | "ilike" | "match" | "imatch", _) => {
            let single = |value: &str| simple(operator, &subject, value);
            match argument {
                None => single(&plain(value))?,
                Some("any") => quantified(Quantifier::Any, value, single)?,
                Some("all") => quantified(Quantifier::All, value, single)?,
                Some(_) => return Err(unreadable(text)),
            }
        }
        ("is", None) => is(&subject, value, text)?,
        ("isdistinct", None) => {
            Expression::Distinct(Box::new(subject.clone()), Box::new(constant(&subject, &plain(value))?))
        }
        ("in", None) => in_list(&subject, value, text)?,
        ("cs", None) if subject.kind() == LogicalType::Json => {
            Expression::Contains(Box::new(subject.clone()), Box::new(constant(&subject, value)?))
        }
        ("cd", None) if subject.kind() == LogicalType::Json => native(&subject, "<@", value),
        ("cs" | "cd" | "ov" | "sl" | "sr" | "nxr" | "nxl" | "adj", None) => {
            native(&subject, native_symbol(operator), value)
        }
        ("fts" | "plfts" | "phfts" | "wfts", language) => text_search(&subject, operator, language, value),
        _ => return Err(unreadable(text)),
    };
    Ok(condition.negated(negated))
}

fn unreadable(text: &str) -> DataError {
    let expected = "expected [not.]operator.value with an operator of eq, neq, gt, gte, lt, lte, like, ilike, match, \
                    imatch, is, isdistinct, in, cs, cd, ov, sl, sr, nxr, nxl, adj, fts, plfts, phfts, wfts";
    DataError::BadQuery(format!("filter ({text})"), expected.to_owned())
}

/// A value in double quotes is meant without them, so that it may hold commas and parentheses.
fn plain(value: &str) -> String {
    if value.len() >= 2 && value.starts_with('"') && value.ends_with('"') {
        unquote(value)
    } else {
        value.to_owned()
    }
}

pub(super) fn subject(field: &Field, table: &Table) -> Result<Expression, DataError> {
    let column = table
        .column(&field.column)
        .ok_or_else(|| DataError::UnknownColumn(table.name.clone(), field.column.clone()))?;
    let whole = Expression::column(&column.name, &column.kind);
    if field.path.is_empty() {
        return Ok(whole);
    }
    if column.kind != LogicalType::Json {
        return Err(not_a_document(&column.kind));
    }
    let path: Vec<Step> = field.path.clone();
    Ok(Expression::JsonPart { document: Box::new(whole), path, as_text: field.as_text })
}

fn constant(subject: &Expression, value: &str) -> Result<Expression, DataError> {
    let kind = subject.kind().for_comparison();
    // A whole number is compared with an integer column as it is, a fraction as the decimal it is.
    let literal = match Literal::parse(&kind, value) {
        Err(bad) if kind.is_integer() && bad.code == "22003" => {
            return Ok(Expression::Constant(
                Literal::parse(&LogicalType::Numeric(None), value)?,
                LogicalType::Numeric(None),
            ));
        }
        parsed => parsed?,
    };
    Ok(Expression::Constant(literal, kind))
}

fn simple(operator: &str, subject: &Expression, value: &str) -> Result<Expression, DataError> {
    let comparison = match operator {
        "eq" => Comparison::Equal,
        "neq" => Comparison::NotEqual,
        "gt" => Comparison::Greater,
        "gte" => Comparison::GreaterOrEqual,
        "lt" => Comparison::Less,
        "lte" => Comparison::LessOrEqual,
        _ => return pattern(operator, subject, value),
    };
    match subject.kind().family() {
        Family::Other => return Ok(native(subject, comparison.symbol(), value)),
        Family::Json if comparison.needs_order() => return Ok(native(subject, comparison.symbol(), value)),
        _ => {}
    }
    Ok(Expression::Compare(comparison, Box::new(subject.clone()), Box::new(constant(subject, value)?)))
}

fn pattern(operator: &str, subject: &Expression, value: &str) -> Result<Expression, DataError> {
    let fold = operator.starts_with('i');
    if subject.kind().family() != Family::Text {
        let symbol = match operator {
            "like" => "~~",
            "ilike" => "~~*",
            "match" => "~",
            _ => "~*",
        };
        return Err(no_operator(&format!("{} {symbol} unknown", subject.kind().base_name())));
    }
    if value.len() > LONGEST_PATTERN {
        return Err(DataError::TooMuch(format!("a pattern holds at most {LONGEST_PATTERN} bytes")));
    }
    let value_of = Box::new(subject.clone());
    Ok(if operator.ends_with("like") {
        // A star stands for a percent sign, which URLs must escape.
        let pattern = value.replace('*', "%");
        if ends_in_escape(&pattern) {
            return Err(DataError::Refused {
                code: "22025".into(),
                message: "LIKE pattern must not end with escape character".into(),
                role: RequestRole::Authenticated,
            });
        }
        Expression::Like { value: value_of, pattern, fold }
    } else {
        Expression::Matches { value: value_of, pattern: value.to_owned(), fold }
    })
}

fn ends_in_escape(pattern: &str) -> bool {
    pattern.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

fn no_operator(what: &str) -> DataError {
    DataError::Refused {
        code: "42883".into(),
        message: format!("operator does not exist: {what}"),
        role: RequestRole::Authenticated,
    }
}

fn quantified(
    quantifier: Quantifier,
    value: &str,
    single: impl Fn(&str) -> Result<Expression, DataError>,
) -> Result<Expression, DataError> {
    let values = items(value, '{', '}')
        .ok_or_else(|| DataError::BadQuery(format!("list ({value})"), "expected {value,value}".into()))?;
    if values.len() > MOST_ALTERNATIVES {
        return Err(DataError::TooMuch(format!("any and all take at most {MOST_ALTERNATIVES} values")));
    }
    let parts = values.iter().map(|value| single(value)).collect::<Result<_, _>>()?;
    Ok(match quantifier {
        Quantifier::Any => Expression::Any(parts),
        Quantifier::All => Expression::All(parts),
    })
}

fn is(subject: &Expression, value: &str, text: &str) -> Result<Expression, DataError> {
    let truth = |truth: bool| {
        if subject.kind() != LogicalType::Bool {
            let word = if truth { "TRUE" } else { "FALSE" };
            return Err(DataError::Refused {
                code: "42804".into(),
                message: format!(
                    "argument of IS {word} must be type boolean, not type {}",
                    subject.kind().base_name()
                ),
                role: RequestRole::Authenticated,
            });
        }
        Ok(Expression::IsTruth(Box::new(subject.clone()), truth))
    };
    match value.to_lowercase().as_str() {
        "null" => Ok(Expression::IsNull(Box::new(subject.clone()))),
        "not_null" => Ok(Expression::IsNull(Box::new(subject.clone())).negated(true)),
        "true" => truth(true),
        "false" => truth(false),
        "unknown" => truth(true).map(|_| Expression::IsNull(Box::new(subject.clone()))),
        _ => Err(unreadable(text)),
    }
}

fn in_list(subject: &Expression, value: &str, text: &str) -> Result<Expression, DataError> {
    let values = items(value, '(', ')').ok_or_else(|| unreadable(text))?;
    refuse_many(values.len())?;
    if subject.kind().family() == Family::Other {
        return Ok(Expression::Any(values.iter().map(|value| native(subject, "=", value)).collect()));
    }
    let constants = values.iter().map(|value| constant(subject, value)).collect::<Result<_, _>>()?;
    Ok(Expression::InList(Box::new(subject.clone()), constants))
}

fn refuse_many(count: usize) -> Result<(), DataError> {
    if count > MOST_VALUES {
        return Err(DataError::TooMuch(format!("a list holds at most {MOST_VALUES} values")));
    }
    Ok(())
}

fn native(subject: &Expression, operator: &'static str, value: &str) -> Expression {
    Expression::Native {
        value: Box::new(subject.clone()),
        operator,
        operand: NativeOperand::Text(value.to_owned()),
    }
}

fn native_symbol(operator: &str) -> &'static str {
    match operator {
        "cs" => "@>",
        "cd" => "<@",
        "ov" => "&&",
        "sl" => "<<",
        "sr" => ">>",
        "nxr" => "&<",
        "nxl" => "&>",
        _ => "-|-",
    }
}

fn text_search(subject: &Expression, operator: &str, language: Option<&str>, words: &str) -> Expression {
    let function = match operator {
        "fts" => "to_tsquery",
        "plfts" => "plainto_tsquery",
        "phfts" => "phraseto_tsquery",
        _ => "websearch_to_tsquery",
    };
    Expression::Native {
        value: Box::new(subject.clone()),
        operator: "@@",
        operand: NativeOperand::TextSearch(function, language.map(str::to_owned), words.to_owned()),
    }
}
