use quoin_web::Method;
use serde_json::json;

use super::{Expect as _, House, KEY, story};
use crate::model::ObjectName;
use crate::model::danger::{deceives, is_active, sniff};

#[test]
fn types_are_told_by_their_first_bytes() {
    assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
    assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
    assert_eq!(sniff(b"%PDF-1.7"), Some("application/pdf"));
    for document in [
        &b"<!DOCTYPE html><p>"[..],
        b"\xef\xbb\xbf \r\n\t<ScRiPt>alert(1)</script>",
        b"\xff\xfe<\0s\0v\0g\0>\0",
        b"<?xml version='1.0'?><svg onload=alert(1)>",
        b"<!-- --><iframe>",
    ] {
        assert_eq!(sniff(document), Some("text/html"), "{document:?}");
    }
    for quiet in [&b""[..], b"plain text", b"a < b", b"{\"a\": \"<script>\"}", b"\0\0\0\0"] {
        assert_eq!(sniff(quiet), None, "{quiet:?}");
    }
}

#[test]
fn what_a_browser_would_run_is_active() {
    for active in [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/xml",
        "text/javascript",
        "application/javascript",
        "text/css",
        "application/x-shockwave-flash",
        "text/xsl",
        "application/rss+xml",
        "multipart/x-mixed-replace",
        "message/rfc822",
        "chemical/x-pdb",
        "text/vtt+html",
        "",
    ] {
        assert!(is_active(active), "{active}");
    }
    for quiet in [
        "image/png",
        "text/plain;charset=UTF-8",
        "application/pdf",
        "application/json",
        "video/mp4",
        "text/csv",
    ] {
        assert!(!is_active(quiet), "{quiet}");
    }
}

#[test]
fn only_deceit_is_deceit() {
    assert!(deceives("image/png", "text/html") && deceives("Application/PDF; x=y", "text/html"));
    assert!(!deceives("image/png", "image/jpeg") && !deceives("text/html", "text/html"));
    assert!(!deceives("text/plain", "text/html") && !deceives("application/json", "application/zip"));
}

async fn answer_of(
    house: &House,
    name: &str,
    content_type: &str,
    body: &'static str,
) -> quoin_web::testing::TestAnswer {
    let path = format!("/object/docs/{name}");
    let headers = [("content-type", content_type)];
    house.send(Method::POST, &path, Some(KEY), &headers, body).await.expect(200);
    house.get(&path, KEY).await.expect(200)
}

#[tokio::test]
async fn content_that_acts_is_saved_and_not_shown() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        for (name, content_type) in
            [("a.html", "text/html"), ("b.svg", "image/svg+xml"), ("c.xml", "application/xml")]
        {
            let answer = answer_of(&house, name, content_type, "<script>alert(1)</script>").await;
            assert!(answer.header("content-disposition").starts_with("attachment"), "{name}");
        }
        for (name, content_type) in [("a.txt", "text/plain"), ("b.png", "image/png")] {
            let answer = answer_of(&house, name, content_type, "<script>alert(1)</script>").await;
            assert_eq!(answer.header("content-disposition"), "", "{name}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let policy = answer.header("content-security-policy").to_owned();
            assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_unnamed_type_is_told_by_the_bytes_and_a_document_stays_unnamed() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let answer = answer_of(&house, "a", "application/octet-stream", "%PDF-1.7 and so on").await;
        assert_eq!(answer.header("content-type"), "application/pdf");
        let answer = answer_of(&house, "b", "application/octet-stream", "<html><script>").await;
        assert_eq!(answer.header("content-type"), "application/octet-stream");
    })
    .await;
}

#[tokio::test]
async fn a_bucket_that_lists_types_does_not_take_documents_for_pictures() {
    story(async |house| {
        house.make_bucket("pictures", json!({"allowed_mime_types": ["image/*"]})).await;
        let store = async |body: &'static [u8]| {
            let headers = [("content-type", "image/png"), ("x-upsert", "true")];
            house
                .send(Method::POST, "/object/pictures/a.png", Some(KEY), &headers, body)
                .await
                .status
                .as_u16()
        };
        assert_eq!(store(b"<svg onload=alert(1)>").await, 415);
        assert_eq!(house.held_after_sweep().await, 0);
        assert_eq!(store(b"\x89PNG\r\n\x1a\n and more").await, 200);
        assert_eq!(store(b"\xff\xd8\xff\xe0 a JPEG under another name").await, 200);
    })
    .await;
}

#[test]
fn names_that_attack_are_no_names() {
    let long = "x".repeat(4096);
    for name in [
        "",
        "/",
        "a//b",
        "/a",
        "a/",
        ".",
        "..",
        "../etc/passwd",
        "a/../b",
        "a/./b",
        "a/..",
        "..\\b",
        "a\0b",
        "a\r\nb",
        "a\u{202e}gpj.exe",
        "a\u{200b}b",
        "a\u{feff}",
        " a",
        "a ",
        "a/ b",
        "a\tb",
        "a\u{7f}b",
        "C:\\x",
        "a|b",
        "a<b>",
        "a\"b",
        "a%00b",
        "a#b",
        "a[b]",
        long.as_str(),
    ] {
        assert!(ObjectName::new(name).is_err(), "{name:?}");
    }
    for name in ["a", "a/b.c", "...a", "ünï/cödé 文件.txt", "a (1).png", "it's_$&@=;:+,!.-*?", "👍.gif"]
    {
        assert!(ObjectName::new(name).is_ok(), "{name:?}");
    }
}

#[tokio::test]
async fn names_that_attack_reach_nothing_over_http_either() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        for path in [
            "..%2f..%2fmaster.key",
            "%2e%2e/x",
            "a%00b",
            "a%0d%0aSet-Cookie:x",
            "a%e2%80%aegpj.exe",
            "%ff%fe",
            "a%2f%2fb",
        ] {
            let stored = house.send(Method::POST, &format!("/object/docs/{path}"), Some(KEY), &[], "x").await;
            assert_eq!(stored.status.as_u16(), 400, "POST {path}");
            let read = house.get(&format!("/object/docs/{path}"), KEY).await.status.as_u16();
            assert!(matches!(read, 400 | 404), "GET {path}: {read}");
        }
        let long = "x".repeat(4096);
        assert_eq!(
            house
                .send(Method::POST, &format!("/object/docs/{long}"), Some(KEY), &[], "x")
                .await
                .status
                .as_u16(),
            400
        );
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}
