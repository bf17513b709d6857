//! Random requests, which must be answered alike by both engines and never with a fault of ours.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::harness::{Instance, cases, instances, transcript};

const SCHEMA: &str = include_str!("cases/schema.sql");

const COLUMNS: &[&str] = &[
    "id",
    "small",
    "big",
    "flag",
    "ratio",
    "price",
    "exact",
    "label",
    "short",
    "ref",
    "doc",
    "at",
    "day",
    "doc->a",
    "doc->>a",
    "doc->aa->>0",
    "doc->>-1",
    "missing",
];
const OPERATORS: &[&str] = &[
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "like",
    "ilike",
    "is",
    "isdistinct",
    "not.eq",
    "not.gt",
    "not.like",
    "not.is",
    "eq(any)",
    "like(all)",
    "in",
    "not.in",
    "cs",
    "wat",
];
const VALUES: &[&str] = &[
    "1",
    "-5",
    "0",
    "2.5",
    "12.50",
    "true",
    "f",
    "null",
    "not_null",
    "unknown",
    "Apple",
    "a*",
    "%25an%25",
    "_t_",
    "été",
    "",
    "aaaaaaaa-0000-4000-8000-000000000001",
    "2026-08-01",
    "2026-08-01T10:00:00Z",
    "99999999999999999999",
    "1e3",
    "{1,2}",
    "{a*,b*}",
    "(1,2,3)",
    "(Apple,\"a,b\")",
    "()",
    "{\"a\":\"t\"}",
    "[\"x\"]",
    "x'; drop table kinds;--",
    "\"quoted\"",
    "\\",
    "5",
];

fn filter() -> impl Strategy<Value = (String, String)> {
    let parts =
        (prop::sample::select(COLUMNS), prop::sample::select(OPERATORS), prop::sample::select(VALUES));
    parts.prop_map(|(column, operator, value)| (column.to_owned(), format!("{operator}.{value}")))
}

fn tree() -> impl Strategy<Value = String> {
    let leaf = filter().prop_map(|(column, condition)| format!("{column}.{condition}"));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let joined = prop::sample::select(&["or", "and", "not.or", "not.and"][..]);
        (joined, prop::collection::vec(inner, 1..4))
            .prop_map(|(operator, parts)| format!("{operator}({})", parts.join(",")))
    })
}

fn read() -> impl Strategy<Value = String> {
    let order = (
        prop::sample::select(COLUMNS),
        prop::sample::select(&["", ".desc", ".nullsfirst", ".desc.nullslast"][..]),
    );
    let window = prop::option::of((0_u8..4, 0_u8..4));
    (prop::collection::vec(filter(), 0..3), prop::option::of(tree()), prop::option::of(order), window)
        .prop_map(|(filters, tree, order, window)| {
            let mut query = String::from("/kinds?select=id,exact,doc");
            for (column, condition) in filters {
                let _ = write!(query, "&{column}={condition}");
            }
            if let Some(tree) = tree {
                let _ = write!(query, "&or=({tree},id.eq.1)");
            }
            let order = order.map(|(column, how)| format!("{column}{how},")).unwrap_or_default();
            let _ = write!(query, "&order={order}id");
            if let Some((limit, offset)) = window {
                let _ = write!(query, "&limit={limit}&offset={offset}");
            }
            query
        })
}

fn write() -> impl Strategy<Value = String> {
    let raw = &[
        "null",
        "1",
        "-7",
        "40000",
        "1.005",
        "true",
        "\"yes\"",
        "\"text\"",
        "\"\"",
        "{\"b\":1,\"a\":[1.50]}",
        "\"2026-01-02T03:04:05.678+02:00\"",
        "\"2026-01-02\"",
        "\"BBBBBBBB-0000-4000-8000-000000000002\"",
        "\"12.5\"",
        "1e400",
        "\"\\u0000\"",
    ][..];
    let column = &[
        "small", "big", "flag", "ratio", "price", "exact", "label", "short", "ref", "doc", "at", "day",
        "none",
    ][..];
    let value = (prop::sample::select(column), prop::sample::select(raw));
    let prefer = &[
        "return=representation",
        "return=representation, resolution=merge-duplicates",
        "return=representation, resolution=ignore-duplicates",
        "count=exact",
        "return=representation, missing=default",
    ][..];
    (0_u8..12, prop::collection::vec(value, 0..4), prop::sample::select(prefer), 0_u8..10).prop_map(
        |(id, values, prefer, what)| {
            let members = values.iter().fold(String::new(), |mut members, (name, value)| {
                let _ = write!(members, ",\"{name}\":{value}");
                members
            });
            let sets = members.trim_start_matches(',');
            let target = "/kinds?select=*&id=eq.";
            match what {
                0 => format!("alice | DELETE {target}{id} | Prefer: {prefer} | 200 | -"),
                1..4 => format!("alice | PATCH {target}{id} | Prefer: {prefer} | {{{sets}}} | 200 | -"),
                4 => format!(
                    "alice | PUT {target}{id} | Prefer: {prefer} | {{\"id\":{id}{members}}} | 200 | -"
                ),
                _ => format!(
                    "alice | POST /kinds?select=* | Prefer: {prefer} | {{\"id\":{id}{members}}} | 200 | -"
                ),
            }
        },
    )
}

/// Starts both engines with the same rows.
fn start(runtime: &Runtime) -> Vec<Instance> {
    runtime.block_on(async {
        let instances = instances().await;
        for instance in &instances {
            instance.migrate("schema", SCHEMA).await;
        }
        instances
    })
}

fn answers(runtime: &Runtime, instances: &[Instance], line: &str) -> Result<(), TestCaseError> {
    let list = cases(line);
    let mut first: Option<String> = None;
    for instance in instances {
        let answer = runtime.block_on(instance.send(&list[0]));
        let transcript = transcript(&answer);
        prop_assert!(answer.status.as_u16() < 500, "{line}\non {:?}: {transcript}", instance.engine);
        // What only PostgreSQL can do is refused by SQLite with a code of its own.
        if answer.code() == "PGRST127" {
            return Ok(());
        }
        match &first {
            None => first = Some(transcript),
            Some(first) => prop_assert_eq!(first, &transcript, "{}", line),
        }
    }
    Ok(())
}

fn run(strategy: impl Strategy<Value = String>, cases: u32) {
    let runtime = Runtime::new().expect("a runtime");
    let instances = start(&runtime);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&strategy, |line| answers(&runtime, &instances, &line));
    // The databases are dropped inside of the runtime, which their threads may still need.
    drop(instances);
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[test]
fn random_queries_are_answered_alike() {
    run(read().prop_map(|query| format!("anon | GET {query} | 200 | -")), 400);
}

#[test]
fn random_writes_are_answered_alike() {
    run(write(), 300);
}
