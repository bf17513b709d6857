//! The Database API on each engine, called in process, and a small language for lists of requests.

use std::fmt::Write as _;

use http::{Method, Request};
use quoin_db::Engine;
use quoin_db::testing::{TestDatabase, migrated};
use quoin_web::testing::{TestAnswer, TestApp, send};
use quoin_web::{Body, ExposedView, Front, LogicalType};

use crate::model::migration::UserMigration;
use crate::{Data, DataConfig, DataError, MIGRATIONS, module};

pub(super) const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";
pub(super) const BOB: &str = "b0b00000-0000-4000-8000-000000000002";
pub(super) const CAROL: &str = "ca401000-0000-4000-8000-000000000003";
pub(super) const ACME: &str = "0a000000-0000-4000-8000-00000000000a";
pub(super) const BIRD: &str = "0b000000-0000-4000-8000-00000000000b";

/// One engine with the API before it.
pub(super) struct Instance {
    pub(super) engine: Engine,
    pub(super) data: Data,
    pub(super) front: Front,
    _database: TestDatabase,
}

/// A view as another room exposes it.
const PROFILES: ExposedView = ExposedView {
    name: "profiles",
    columns: &[("id", LogicalType::Id), ("org_id", LogicalType::Id), ("name", LogicalType::Text)],
    select: "select p.id, p.org_id, p.document ->> 'name' as name from quoin.data_profiles p",
};

const PROFILES_TABLE: quoin_db::Migration = quoin_db::Migration {
    module: "data_test",
    name: "0001_profiles",
    sql: "create table quoin.data_profiles (id {id} not null primary key, org_id {id} not null, document {json} not null);
insert into quoin.data_profiles (id, org_id, document) values ('a11ce000-0000-4000-8000-000000000001', '0a000000-0000-4000-8000-00000000000a', '{\"name\":\"Alice\"}');
insert into quoin.data_profiles (id, org_id, document) values ('b0b00000-0000-4000-8000-000000000002', '0a000000-0000-4000-8000-00000000000a', '{\"name\":5}');
insert into quoin.data_profiles (id, org_id, document) values ('ca401000-0000-4000-8000-000000000003', '0b000000-0000-4000-8000-00000000000b', '{\"name\":\"Carol\"}');",
    postgres: None,
};

/// Starts the API on every engine there is.
pub(super) async fn instances() -> Vec<Instance> {
    let mut instances = Vec::new();
    for database in migrated(&[quoin_audit::MIGRATIONS, MIGRATIONS, &[PROFILES_TABLE]]).await {
        let app = TestApp::new((*database).clone());
        let config = DataConfig { allow_rollback: true };
        let data = Data::new(app.app.clone(), config, vec![PROFILES]);
        data.prepare().await.expect("the database lets us prepare");
        let front = app.front(module(&data).routes);
        instances.push(Instance { engine: database.engine(), data, front, _database: database });
    }
    instances
}

impl Instance {
    /// Applies a migration that must be accepted.
    pub(super) async fn migrate(&self, name: &str, sql: &str) {
        let migration = UserMigration { name: name.to_owned(), sql: sql.to_owned() };
        let applied = self.apply(migration).await;
        assert!(applied.unwrap_or_else(|error| panic!("{name} on {:?}: {error}", self.engine)));
    }

    /// Applies a migration as the command line does.
    pub(super) async fn apply(&self, migration: UserMigration) -> Result<bool, DataError> {
        self.data.apply_migration(migration, self.data.entry(quoin_audit::Actor::System("test"))).await
    }

    /// Sends one request of a list.
    pub(super) async fn send(&self, case: &Case) -> TestAnswer {
        let mut request = Request::builder().method(case.method.clone()).uri(&case.path);
        if let Some(credential) = credential(&case.who) {
            request = request.header("authorization", format!("Bearer {credential}"));
        }
        for (name, value) in &case.headers {
            request = request.header(name, value);
        }
        let body = case.body.clone().map_or_else(Body::empty, Body::from);
        send(&self.front, request.body(body).expect("a valid request")).await
    }
}

/// Names the personas.
fn credential(who: &str) -> Option<String> {
    Some(match who {
        "alice" => format!("user:{ALICE}@{ACME}"),
        "bob" => format!("user:{BOB}@{ACME}"),
        "carol" => format!("user:{CAROL}@{BIRD}"),
        "loner" => format!("user:{BOB}"),
        "acme-key" => format!("key@{ACME}"),
        "files-key" => format!("key:files@{ACME}"),
        "platform" => "key".to_owned(),
        "anon" => return None,
        other => panic!("nobody is called {other}"),
    })
}

/// One request of a list with what it must answer.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) line: String,
    who: String,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    pub(super) status: u16,
    /// `-` for anything, a code, or the exact body.
    pub(super) expected: String,
}

/// Reads `who | METHOD path | Header: value | body | status | expected`, one request a line; `#` begins a comment.
pub(super) fn cases(text: &str) -> Vec<Case> {
    let named = |text: &str| {
        [("$alice", ALICE), ("$bob", BOB), ("$carol", CAROL), ("$acme", ACME), ("$bird", BIRD)]
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| case(&named(line))).collect()
}

fn case(line: &str) -> Case {
    let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let [who, target, rest @ .., status, expected] = parts.as_slice() else { panic!("too short: {line}") };
    let (method, path) = target.split_once(' ').expect("METHOD path");
    let is_header = |part: &&&str| {
        part.split_once(": ")
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    let (headers, body): (Vec<&&str>, Vec<&&str>) = rest.iter().partition(|part| is_header(part));
    let split =
        |header: &&str| header.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let base = if path.starts_with("/admin") { "" } else { "/rest/v1" };
    Case {
        line: line.to_owned(),
        who: (*who).to_owned(),
        method: method.parse().expect("a method"),
        path: format!("{base}{}", encoded(path)),
        headers: headers.into_iter().filter_map(split).collect(),
        body: body.first().map(|body| body.replace("\\n", "\n")),
        status: status.parse().unwrap_or_else(|_| panic!("no status: {line}")),
        expected: (*expected).to_owned(),
    }
}

/// Escapes what a URL does not hold as it is.
fn encoded(path: &str) -> String {
    path.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%\\".contains(c) && c != '\\' {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

/// Writes down everything of an answer that must be alike on both engines.
pub(super) fn transcript(answer: &TestAnswer) -> String {
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let body = match serde_json::from_str::<serde_json::Value>(&body) {
        Ok(serde_json::Value::Object(mut problem)) if problem.contains_key("instance") => {
            problem.remove("instance");
            serde_json::Value::Object(problem).to_string()
        }
        _ => body,
    };
    let header = |name: &str| answer.header(name).to_owned();
    format!(
        "{} range={:?} applied={:?} location={:?} type={:?}\n{body}",
        answer.status.as_u16(),
        header("content-range"),
        header("preference-applied"),
        header("location"),
        header("content-type"),
    )
}
