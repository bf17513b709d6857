//! Lists of requests, each sent to every engine in order; status, headers and bodies must be as written and alike.

use super::harness::{Case, Instance, cases, instances, transcript};

const SCHEMA: &str = include_str!("cases/schema.sql");

async fn run(name: &str, text: &str) {
    let instances = instances().await;
    for instance in &instances {
        instance.migrate("schema", SCHEMA).await;
    }
    let mut failures = Vec::new();
    let cases = cases(text);
    for case in &cases {
        check(case, &instances, &mut failures).await;
    }
    println!("{name}: {} requests on {} engines", cases.len(), instances.len());
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

async fn check(case: &Case, instances: &[Instance], failures: &mut Vec<String>) {
    let mut first: Option<String> = None;
    for instance in instances {
        let answer = instance.send(case).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let fits = match case.expected.as_str() {
            "-" => true,
            code if answer.status.as_u16() >= 400 => answer.code() == code,
            "nothing" => text.is_empty(),
            body => text == body.replace("\\n", "\n"),
        };
        let transcript = transcript(&answer);
        if answer.status.as_u16() != case.status || !fits {
            failures.push(format!("{}\non {:?}: {transcript}", case.line, instance.engine));
        }
        match &first {
            None => first = Some(transcript),
            Some(first) if *first != transcript => {
                failures.push(format!("{}\nDIFFERS\n{first}\n{transcript}", case.line));
            }
            Some(_) => {}
        }
    }
}

/// Declares a test for each list of requests.
macro_rules! lists {
    ($($test:ident => $file:literal;)*) => {$(
        #[tokio::test]
        async fn $test() {
            run($file, include_str!(concat!("cases/", $file))).await;
        }
    )*};
}

lists! {
    reading_answers_alike_on_both_engines => "reading.txt";
    filters_answer_alike_on_both_engines => "filters.txt";
    writing_answers_alike_on_both_engines => "writing.txt";
    policies_hold_alike_on_both_engines => "policies.txt";
    upserts_answer_alike_on_both_engines => "upserts.txt";
    bad_input_is_refused_alike_on_both_engines => "refusals.txt";
    a_foreign_tenant_reaches_nothing_on_either_engine => "attacks.txt";
}
