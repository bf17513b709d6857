//! Rules that every text from outside obeys: UTF-8, no NUL, bounded nesting.

/// How deep JSON may nest.
pub(super) const MAX_JSON_DEPTH: usize = 64;

/// Says why a path, query or form cannot be used: an escape that is no UTF-8, or NUL.
pub(crate) fn check_url_text(raw: &[u8]) -> Result<(), &'static str> {
    if !raw.contains(&b'%') {
        return if raw.contains(&0) { Err("it holds the character NUL") } else { Ok(()) };
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        match (*first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            (byte, _) => {
                decoded.push(byte);
                rest = tail;
            }
        }
    }
    if decoded.contains(&0) {
        return Err("it holds the character NUL");
    }
    std::str::from_utf8(&decoded).map(drop).map_err(|_| "it is not valid UTF-8")
}

/// Says why a JSON text cannot be used, before anything is built from it: nesting, or NUL in a string.
pub(super) fn check_json_text(text: &[u8]) -> Result<(), &'static str> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => rest = after_string(after)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_JSON_DEPTH {
            return Err("it nests deeper than 64 levels");
        }
    }
    Ok(())
}

/// Returns what follows a string whose opening quote has been read; nothing where it does not end.
fn after_string(text: &[u8]) -> Result<&[u8], &'static str> {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return Ok(&rest[at + 1..]);
        }
        if rest[at..].starts_with(br"\u0000") {
            return Err("it holds the character NUL");
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    Ok(&[])
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
