use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Collects from now on, on this thread, every level.
    fn collecting() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn of_calls(&self) -> Vec<Value> {
        let lines: Vec<Value> = self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines
            .into_iter()
            .filter(|line| line["target"] == "quoin::call")
            .map(|line| line["fields"].clone())
            .collect()
    }
}

#[tokio::test]
async fn each_call_has_one_line_that_names_who_and_what() {
    let served = served();
    let (ann, org) = ("018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-00000000000a");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (lines, _guard) = Lines::collecting();
    let built = request(&Method::GET, "/toy/v1/things")
        .header("authorization", format!("Bearer user:{ann}@{org}"))
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("x-request-id", "request-1")
        .body(Body::empty());
    send(&served.front, built.unwrap()).await;
    call(&served.front, &Method::GET, "/nowhere", Some("key"), None).await;
    let calls = lines.of_calls();
    assert_eq!(calls.len(), 2);
    for (field, value) in [
        ("request_id", "request-1"),
        ("method", "GET"),
        ("operation", "toy.things.list"),
        ("sub", ann),
        ("org_id", org),
        ("trace_id", trace),
    ] {
        assert_eq!(calls[0][field], value, "{field}");
    }
    assert_eq!((&calls[0]["status"], calls[0]["duration_us"].is_u64()), (&json!(200), true));
    assert_eq!((&calls[1]["status"], &calls[1]["code"]), (&json!(404), &json!("not_found")));
}

#[tokio::test]
async fn a_fault_is_logged_once_with_its_cause_and_its_request() {
    let served = served();
    let (lines, _guard) = Lines::collecting();
    call(&served.front, &Method::GET, "/toy/v1/fault", None, None).await;
    call(&served.front, &Method::GET, "/toy/v1/panic", None, None).await;
    let text = lines.text();
    assert_eq!(text.matches("the inner cause: sesame").count(), 1, "{text}");
    assert_eq!(text.matches("the toy is broken: sesame").count(), 1, "{text}");
    assert_eq!(lines.of_calls().len(), 2);
}

#[tokio::test]
async fn no_log_line_at_any_level_holds_a_secret_of_the_request() {
    let served = served();
    let (lines, _guard) = Lines::collecting();
    for status in [201, 401] {
        let credential = if status == 201 { "key" } else { "sesame-token" };
        let built = request(&Method::POST, "/toy/v1/things?cursor=sesame-query")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {credential}"))
            .header("apikey", "sesame-key")
            .header("cookie", "session=sesame-cookie")
            .body(Body::from("{\"name\":\"a\",\"password\":\"sesame-password\"}"));
        assert_eq!(send(&served.front, built.unwrap()).await.status.as_u16(), status);
    }
    let text = lines.text();
    assert!(!text.contains("sesame"), "{text}");
    assert_eq!(lines.of_calls().len(), 2);
}

#[tokio::test]
async fn a_trace_id_that_is_not_well_formed_is_left_out() {
    let served = served();
    let (lines, _guard) = Lines::collecting();
    for sent in [
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f-00f067aa0ba902b7-01",
        "nonsense",
    ] {
        let built = request(&Method::GET, "/healthz").header("traceparent", sent).body(Body::empty());
        send(&served.front, built.unwrap()).await;
    }
    assert!(lines.of_calls().iter().all(|call| call["trace_id"].is_null()));
}
