use quoin_web::Method;
use serde_json::json;

use super::{Expect as _, House, KEY, story};

/// Reads ten digits with these headers.
async fn read(house: &House, headers: &[(&str, &str)]) -> (u16, String, String) {
    let answer = house.send(Method::GET, "/object/docs/digits", Some(KEY), headers, "").await;
    let range = answer.header("content-range").to_owned();
    (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned(), range)
}

async fn digits(house: &House) -> String {
    house.make_bucket("docs", json!({})).await;
    house.upload("docs/digits", KEY, "0123456789").await.expect(200);
    house.get("/object/docs/digits", KEY).await.header("etag").to_owned()
}

#[tokio::test]
async fn ranges_are_served_as_the_standard_says() {
    story(async |house| {
        digits(&house).await;
        for (range, content, content_range) in [
            ("bytes=0-0", "0", "bytes 0-0/10"),
            ("bytes=2-4", "234", "bytes 2-4/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=-3", "789", "bytes 7-9/10"),
            ("bytes=-99", "0123456789", "bytes 0-9/10"),
            ("bytes=5-99999999999999999999999", "56789", "bytes 5-9/10"),
        ] {
            let expected = (206, content.to_owned(), content_range.to_owned());
            assert_eq!(read(&house, &[("range", range)]).await, expected, "{range}");
        }
        // Several ranges, other units and nonsense count as none.
        let bomb = format!("bytes={}", vec!["0-"; 1000].join(","));
        for range in ["bytes=0-1,3-4", "lines=1-2", "bytes=4-2", "bytes=a-b", "bytes=", &bomb] {
            assert_eq!(read(&house, &[("range", range)]).await.0, 200, "{range}");
        }
        for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
            let (status, _, content_range) = read(&house, &[("range", range)]).await;
            assert_eq!((status, content_range.as_str()), (416, "bytes */10"), "{range}");
        }
    })
    .await;
}

#[tokio::test]
async fn conditions_are_judged_as_the_standard_says() {
    story(async |house| {
        let etag = digits(&house).await;
        let weak = format!("W/{etag}");
        let modified = "Sat, 01 Aug 2026 12:00:00 GMT";
        let earlier = "Sat, 01 Aug 2026 11:59:59 GMT";
        let status = async |headers: &[(&str, &str)]| read(&house, headers).await.0;
        assert_eq!(status(&[("if-none-match", &etag)]).await, 304);
        assert_eq!(status(&[("if-none-match", &weak)]).await, 304);
        assert_eq!(status(&[("if-none-match", "*")]).await, 304);
        assert_eq!(status(&[("if-none-match", "\"other\", \"more\"")]).await, 200);
        assert_eq!(status(&[("if-modified-since", modified)]).await, 304);
        assert_eq!(status(&[("if-modified-since", earlier)]).await, 200);
        assert_eq!(status(&[("if-modified-since", "no date")]).await, 200);
        assert_eq!(status(&[("if-none-match", "\"x\""), ("if-modified-since", modified)]).await, 200);
        assert_eq!(status(&[("if-match", &etag)]).await, 200);
        assert_eq!(status(&[("if-match", &weak)]).await, 412);
        assert_eq!(status(&[("if-match", "\"other\"")]).await, 412);
        assert_eq!(status(&[("if-unmodified-since", earlier)]).await, 412);
        assert_eq!(status(&[("if-unmodified-since", modified)]).await, 200);
        let part = ("range", "bytes=0-1");
        assert_eq!(status(&[part, ("if-range", &etag)]).await, 206);
        assert_eq!(status(&[part, ("if-range", modified)]).await, 206);
        for changed in ["\"other\"", &weak, earlier] {
            assert_eq!(status(&[part, ("if-range", changed)]).await, 200, "{changed}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_head_says_the_same_without_the_body() {
    story(async |house| {
        let etag = digits(&house).await;
        let head = house.send(Method::HEAD, "/object/docs/digits", Some(KEY), &[], "").await.expect(200);
        assert_eq!((head.body.len(), head.header("content-length")), (0, "10"));
        assert_eq!(head.header("etag"), etag);
        assert_eq!(head.header("last-modified"), "Sat, 01 Aug 2026 12:00:00 GMT");
        house.send(Method::HEAD, "/object/docs/none", Some(KEY), &[], "").await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_download_is_named_as_asked() {
    story(async |house| {
        digits(&house).await;
        let read = house.get("/object/docs/digits?download=", KEY).await.expect(200);
        assert_eq!(read.header("content-disposition"), "attachment");
        let read = house.get("/object/docs/digits?download=a%22%0d%0a%20%C3%BC.txt", KEY).await.expect(200);
        let expected =
            "attachment; filename=a%22%0D%0A%20%C3%BC.txt; filename*=UTF-8''a%22%0D%0A%20%C3%BC.txt";
        assert_eq!(read.header("content-disposition"), expected);
    })
    .await;
}
