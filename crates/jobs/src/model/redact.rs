//! What a failed try leaves behind: the chain of errors, without secrets and of bounded length.

use std::error::Error;

use uuid::Uuid;

/// The longest text that a row keeps.
const MAX_CHARS: usize = 500;
/// A run of letters and digits this long may be a key or a token.
const SECRET_LENGTH: usize = 24;

/// Writes an error and its causes in one line, ready for the row and the log.
pub(crate) fn last_error(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    redact(&text)
}

/// Masks whatever looks like a mail address, a key or a token, and cuts the rest.
fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_CHARS));
    for (index, word) in text.split(|c: char| c.is_whitespace() || c.is_control()).enumerate() {
        if index > 0 {
            out.push(' ');
        }
        if word.contains('@') {
            out.push_str("[address]");
            continue;
        }
        push_without_tokens(&mut out, word);
    }
    match out.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out,
    }
}

fn push_without_tokens(out: &mut String, word: &str) {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || "-_+/.".contains(c);
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        out.push_str(if looks_secret(run) { "[redacted]" } else { run });
        let next = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
}

/// Long runs with a digit in them are masked; UUIDs and paths of words are not secrets and help whoever reads.
fn looks_secret(run: &str) -> bool {
    let longest = run.split(['.', '/']).map(str::len).max().unwrap_or(0);
    longest >= SECRET_LENGTH && run.bytes().any(|byte| byte.is_ascii_digit()) && Uuid::parse_str(run).is_err()
}
