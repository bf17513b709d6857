//! A PDF of one column of text and one of amounts: enough to be opened, printed and compared.

use std::fmt::Write as _;

use http::{HeaderValue, header};
use quoin_web::{Body, Response};

/// Rows that fit on a page.
const ROWS: usize = 48;

/// Answers rows as a PDF of this name.
pub(super) fn answer(name: &str, rows: &[(String, String)]) -> Response {
    let mut response = Response::new(Body::from(write(rows)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    if let Ok(name) = HeaderValue::from_str(&format!("inline; filename=\"{name}.pdf\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// Writes rows as PDF 1.4 with the built-in font Helvetica.
fn write(rows: &[(String, String)]) -> Vec<u8> {
    let pages: Vec<&[(String, String)]> = rows.chunks(ROWS).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        Vec::new(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    let mut kids = String::new();
    for rows in pages {
        let number = objects.len() + 1;
        // Writing into a String cannot fail.
        let _ = write!(kids, "{number} 0 R ");
        let content = number + 1;
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        );
        objects.push(page.into_bytes());
        objects.push(stream(rows));
    }
    let count = (objects.len() - 3) / 2;
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>").into_bytes();
    file(&objects)
}

fn stream(rows: &[(String, String)]) -> Vec<u8> {
    let mut content = Vec::new();
    for (number, (left, right)) in rows.iter().enumerate() {
        let y = 790 - 15 * i32::try_from(number).unwrap_or(0);
        show(&mut content, 50, y, left);
        // Helvetica's digits are 5.56 units wide at 10 points.
        let width = i32::try_from(right.chars().count() * 6).unwrap_or(0);
        show(&mut content, 545 - width, y, right);
    }
    let mut object = format!("<< /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend(content);
    object.extend(b"\nendstream");
    object
}

fn show(content: &mut Vec<u8>, x: i32, y: i32, text: &str) {
    content.extend(format!("BT /F1 10 Tf {x} {y} Td (").into_bytes());
    for c in text.chars().take(110) {
        match c {
            '(' | ')' | '\\' => content.extend([b'\\', c as u8]),
            '€' => content.push(0x80),
            '×' => content.push(0xd7),
            '−' => content.push(b'-'),
            c => content.push(u8::try_from(u32::from(c)).ok().filter(|byte| *byte >= 0x20).unwrap_or(b'?')),
        }
    }
    content.extend(b") Tj ET\n");
}

fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = String::new();
    for (number, object) in objects.iter().enumerate() {
        // Writing into a String cannot fail.
        let _ = writeln!(table, "{:010} 00000 n ", out.len());
        out.extend(format!("{} 0 obj\n", number + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let (start, size) = (out.len(), objects.len() + 1);
    let trailer = format!(
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend(trailer.into_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_point_at_their_objects() {
        let rows: Vec<(String, String)> =
            (0..60).map(|n| (format!("Line ({n})"), "€1.00".to_owned())).collect();
        let pdf = write(&rows);
        let text = String::from_utf8_lossy(&pdf).into_owned();
        assert!(text.contains("/Count 2"));
        let table = text.split("xref\n").nth(1).expect("a table");
        let offsets = table.lines().filter(|line| line.ends_with(" n ") || line.ends_with(" n"));
        for (number, line) in offsets.enumerate() {
            let offset: usize = line[..10].parse().expect("ten digits");
            assert!(pdf[offset..].starts_with(format!("{} 0 obj", number + 1).as_bytes()), "{line}");
        }
    }
}
