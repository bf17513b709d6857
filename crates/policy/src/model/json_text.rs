//! JSON documents as text in one canonical form: PostgreSQL's `jsonb` order, no spaces, exact numbers.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::decimal::Decimal;

/// Holds a parsed document; numbers stay text, so that none loses a digit.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, written as PostgreSQL writes it.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// An object: keys by length, then by bytes, as `jsonb` keeps them.
    Object(Vec<(String, Self)>),
}

/// Says why a text is no document that `jsonb` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadJson {
    /// Not JSON, or nested deeper than 64.
    Syntax,
    /// The string holds U+0000, which no text column can.
    Nul,
}

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The member of an object.
    Key(String),
    /// The element of an array, from the end where negative.
    Index(i64),
}

/// How deep documents may nest.
const DEEPEST: usize = 64;

impl Json {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, BadJson> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err(BadJson::Syntax) }
    }

    /// Writes the canonical text.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::Number(digits) => out.push_str(digits),
            Self::Text(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Follows a path; `None` where it leads nowhere.
    pub fn get(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |value, step| match (value, step) {
            (Self::Object(members), Step::Key(key)) => {
                members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            (Self::Array(items), Step::Index(index)) => {
                let length = i64::try_from(items.len()).ok()?;
                let position = if *index < 0 { length + index } else { *index };
                items.get(usize::try_from(position).ok()?)
            }
            _ => None,
        })
    }

    /// Returns what `->>` gives: the bare text of a string, `None` for null, else the document.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            other => {
                let mut out = String::new();
                other.write(&mut out);
                Some(out)
            }
        }
    }
}

/// Writes a JSON string with its quotes.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..index]);
        start = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// Writes a document without the spaces that PostgreSQL puts between its parts.
pub fn write_compact(document: &str, out: &mut String) {
    let mut in_string = false;
    let mut escaped = false;
    let mut start = 0;
    for (index, byte) in document.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if byte == b'"' {
            in_string = true;
        } else if byte.is_ascii_whitespace() {
            out.push_str(&document[start..index]);
            start = index + 1;
        }
    }
    out.push_str(&document[start..]);
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, BadJson> {
        if depth > DEEPEST {
            return Err(BadJson::Syntax);
        }
        self.space();
        match self.peek().ok_or(BadJson::Syntax)? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Json::Text),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, BadJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(BadJson::Syntax);
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, BadJson> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| b"+-.eE0123456789".contains(byte)).count();
        let digits = &rest[..length];
        // `serde_json` knows the grammar (no leading zeros, no bare point); the value itself is not used.
        serde_json::from_str::<serde::de::IgnoredAny>(digits).map_err(|_| BadJson::Syntax)?;
        self.at += length;
        Decimal::parse(digits).map(|decimal| Json::Number(decimal.to_string())).ok_or(BadJson::Syntax)
    }

    fn string(&mut self) -> Result<String, BadJson> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end).ok_or(BadJson::Syntax)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let quoted = self.text.get(start..=end).ok_or(BadJson::Syntax)?;
        let text: String = serde_json::from_str(quoted).map_err(|_| BadJson::Syntax)?;
        self.at = end + 1;
        if text.contains('\0') { Err(BadJson::Nul) } else { Ok(text) }
    }

    fn array(&mut self, depth: usize) -> Result<Json, BadJson> {
        self.at += 1;
        let mut items = Vec::new();
        if self.eat(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Json::Array(items));
            }
            if !self.eat(b',') {
                return Err(BadJson::Syntax);
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, BadJson> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        if !self.eat(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Err(BadJson::Syntax);
                }
                let key = self.string()?;
                if !self.eat(b':') {
                    return Err(BadJson::Syntax);
                }
                members.push((key, self.value(depth + 1)?));
                if self.eat(b'}') {
                    break;
                }
                if !self.eat(b',') {
                    return Err(BadJson::Syntax);
                }
            }
        }
        // The sort is stable: of equal keys the last one stays, as in `jsonb`.
        members.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        let mut kept: Vec<(String, Json)> = Vec::with_capacity(members.len());
        for member in members {
            match kept.last_mut() {
                Some(last) if last.0 == member.0 => *last = member,
                _ => kept.push(member),
            }
        }
        Ok(Json::Object(kept))
    }
}
