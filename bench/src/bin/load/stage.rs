//! The server under test with its people and rows.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bench::Outcome;
use bench::http::{Connection, Request, once};
use bench::people::{Person, Team};
use bench::server::{ServerCommand, ServerProcess};
use serde_json::{Value, json};

use crate::options::Options;

/// How many connections a measurement uses, each acting as a person of its own.
pub(crate) const CONNECTIONS: usize = 64;

/// Rows that each organisation holds before anything is measured.
const ROWS_EACH: usize = 200;

/// What each person's file says, so often that it has 8 KiB with its quotes.
pub(crate) const FILE_WORDS: &str = "between us";
/// See [`FILE_WORDS`].
pub(crate) const FILE_TIMES: usize = 819;
const BUCKET: &str = "bench-files";

const TABLE: &str = "create table bench_posts (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null default auth.org_id(),
  author_id uuid not null default auth.uid(),
  title text not null,
  likes int not null default 0,
  created_at timestamptz not null default now()
);
create index bench_posts_of_an_organisation on bench_posts (org_id, created_at);
alter table bench_posts enable row level security;
create policy bench_posts_read on bench_posts for select using (org_id = auth.org_id());
create policy bench_posts_insert on bench_posts for insert with check (org_id = auth.org_id() and author_id = auth.uid());";

/// Everything that a measurement needs.
pub(crate) struct Stage {
    /// The server under test.
    pub quoin: ServerProcess,
    /// Its team.
    pub team: Team,
    people: Mutex<Vec<Person>>,
    rows: Vec<Vec<String>>,
    files: Vec<String>,
}

impl Stage {
    /// Starts the server on its empty folder and fills it: a person for each connection, rows for each organisation.
    pub(crate) async fn set(options: &Options) -> Outcome<Self> {
        Self::set_on(options, &options.command).await
    }

    /// Starts another server on its empty folder and fills it the same way.
    pub(crate) async fn set_on(options: &Options, command: &ServerCommand) -> Outcome<Self> {
        let (quoin, _) = command.start_ready(&options.folder.join("log"), Duration::from_secs(20)).await?;
        let team = Team { address: quoin.address(), secret_key: options.secret_key.clone() };
        team.migrate("bench_posts", TABLE).await?;
        team.ask("POST", "/storage/v1/bucket", &json!({"id": BUCKET, "name": BUCKET})).await?;
        let (mut people, mut rows, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..CONNECTIONS {
            let person = team.person(&format!("person-{number}@bench.example")).await?;
            rows.push(fill(team.address, &person).await?);
            files.push(share(team.address, &person).await?);
            people.push(person);
        }
        Ok(Self { quoin, team, people: Mutex::new(people), rows, files })
    }

    /// Returns the person that acts on a connection.
    pub(crate) fn person(&self, connection: usize) -> Person {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)[connection % CONNECTIONS].clone()
    }

    /// Remembers what a connection learned about its person: the refresh token that is good next.
    pub(crate) fn remember(&self, connection: usize, person: Person) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)[connection % CONNECTIONS] = person;
    }

    /// Returns the ids of the rows that a connection's organisation holds.
    pub(crate) fn rows_of(&self, connection: usize) -> &[String] {
        &self.rows[connection % CONNECTIONS]
    }

    /// Returns the signed URL of the file that a connection's person keeps, without the host.
    pub(crate) fn file_of(&self, connection: usize) -> &str {
        &self.files[connection % CONNECTIONS]
    }

    /// Counts the rows of everybody, each organisation's as its own person sees them.
    pub(crate) async fn count_rows(&self) -> Outcome<u64> {
        let mut connection = Connection::open(self.team.address).await?;
        let mut count = 0;
        for number in 0..CONNECTIONS {
            let request = Request::new("GET", "/rest/v1/bench_posts?select=id&limit=1");
            let request = request.bearer(&self.person(number).access_token).header("prefer", "count=exact");
            let answer = connection.send(&request.bytes()).await?;
            let total = answer
                .header("content-range")
                .and_then(|range| range.rsplit('/').next()?.parse::<u64>().ok());
            count += total.ok_or_else(|| format!("counting: {} {}", answer.status, answer.json()))?;
        }
        Ok(count)
    }
}

async fn fill(address: SocketAddr, person: &Person) -> Outcome<Vec<String>> {
    let rows: Vec<Value> = (0..ROWS_EACH).map(|number| json!({"title": "a post", "likes": number})).collect();
    let request = Request::new("POST", "/rest/v1/bench_posts?select=id").bearer(&person.access_token);
    let request = request.header("prefer", "return=representation").json(&Value::Array(rows));
    let (status, rows) = once(address, &request).await?;
    let ids = rows.as_array().into_iter().flatten().filter_map(|row| row["id"].as_str().map(str::to_owned));
    let ids: Vec<String> = ids.collect();
    if ids.len() == ROWS_EACH { Ok(ids) } else { Err(format!("filling answered {status} {rows}").into()) }
}

/// Has a person store a file and sign a URL for it.
async fn share(address: SocketAddr, person: &Person) -> Outcome<String> {
    let path = format!("/storage/v1/object/{BUCKET}/file.json");
    let file =
        Request::new("POST", &path).bearer(&person.access_token).json(&json!(FILE_WORDS.repeat(FILE_TIMES)));
    let (status, stored) = once(address, &file).await?;
    if status != 200 {
        return Err(format!("storing answered {status} {stored}").into());
    }
    let path = format!("/storage/v1/object/sign/{BUCKET}/file.json");
    let wish = Request::new("POST", &path).bearer(&person.access_token).json(&json!({"expiresIn": 86400}));
    let (status, signed) = once(address, &wish).await?;
    let url = signed["signedURL"].as_str().ok_or_else(|| format!("signing answered {status} {signed}"))?;
    Ok(format!("/storage/v1{url}"))
}
