//! What policies hide costs nothing, so that nobody learns from the time of an answer what stands there.

use std::time::{Duration, Instant};

use super::harness::{Instance, cases, instances};

/// A pattern that is asked of every place in the text.
fn costly(first: &str) -> String {
    format!("{first}%25{}b%25", "a_".repeat(400))
}

async fn timed(instance: &Instance, line: &str) -> (u16, Duration) {
    let started = Instant::now();
    let answer = instance.send(&cases(line)[0]).await;
    (answer.status.as_u16(), started.elapsed())
}

async fn with_a_long_text() -> Vec<Instance> {
    let instances = instances().await;
    for instance in &instances {
        instance
            .migrate("1", "create table notes (id int primary key, org_id uuid not null default auth.org_id(), body text not null);
                alter table notes enable row level security;
                create policy p on notes for all to authenticated using (org_id = auth.org_id()) with check (org_id = auth.org_id());")
            .await;
        let note =
            format!("alice | POST /notes | {{\"id\":1,\"body\":\"7{}\"}} | 201 | -", "a".repeat(100_000));
        assert_eq!(instance.send(&cases(&note)[0]).await.status.as_u16(), 201);
    }
    instances
}

#[tokio::test]
async fn a_filter_is_never_asked_of_a_row_that_policies_hide() {
    for instance in with_a_long_text().await {
        let pattern = costly("7");
        let (status, owners) =
            timed(&instance, &format!("alice | GET /notes?body=like.{pattern} | 200 | -")).await;
        assert_eq!(status, 200);
        assert_eq!(status, 200);
        for who in ["carol", "anon"] {
            for (method, body) in [("GET", ""), ("DELETE", ""), ("PATCH", "{\"body\":\"x\"} | ")] {
                let line = format!("{who} | {method} /notes?id=eq.1&body=like.{pattern} | {body}200 | -");
                let (status, strangers) = timed(&instance, &line).await;
                assert!(status < 500, "{who} {method} {status}");
                assert!(strangers < owners / 4, "{who} {method}: {strangers:?}, the owner {owners:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_pattern_has_an_end() {
    for instance in instances().await {
        instance.migrate("1", "create table t (id int primary key, body text);").await;
        let long = "a".repeat(1001);
        let line = format!("platform | GET /t?body=like.{long} | 400 | -");
        assert_eq!(instance.send(&cases(&line)[0]).await.status.as_u16(), 400);
    }
}
