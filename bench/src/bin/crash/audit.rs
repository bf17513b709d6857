//! Compares what the server holds with what it had acknowledged.

use std::collections::BTreeMap;
use std::io::Result;
use std::time::{Duration, Instant};

use bench::http::{Connection, Request};
use bench::people::{Person, Team};
use serde_json::Value;

use crate::ledger::Ledger;

/// How much to compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What was asked for in the round that has just ended.
    LastRound,
    /// Everything since the beginning.
    Everything,
}

/// How long mails may take at the very end. Where several processes may share a database, the jobs that a killed one had
/// begun are given back only when their lease of three minutes is over.
const MAIL_PATIENCE: Duration = Duration::from_mins(4);

/// How many rows one page of the data API holds at most.
const PAGE: usize = 1000;

/// Returns a line for each promise that was broken or kept twice.
pub(crate) async fn complaints(
    team: &Team,
    person: &Person,
    ledger: &Ledger,
    depth: Depth,
) -> Result<Vec<String>> {
    let mut found = rows(team, person, ledger, depth).await?;
    found.extend(sign_ups(team, ledger).await?);
    found.extend(mails(team, ledger, depth).await?);
    Ok(found)
}

async fn rows(team: &Team, person: &Person, ledger: &Ledger, depth: Depth) -> Result<Vec<String>> {
    let round = ledger.round();
    let mut promised = ledger.rows();
    promised.retain(|_, promise| depth == Depth::Everything || promise.round == round);
    let first = promised.keys().next().copied().unwrap_or_default();
    let mut there: BTreeMap<u64, usize> = BTreeMap::new();
    let mut connection = Connection::open(team.address).await?;
    for page in 0.. {
        let offset = page * PAGE;
        let query = format!("select=number&number=gte.{first}&order=number,id&limit={PAGE}&offset={offset}");
        let request = Request::new("GET", &format!("/rest/v1/promises?{query}")).bearer(&person.access_token);
        let rows = connection.send(&request.bytes()).await?.json();
        let numbers: Vec<u64> = each(&rows).filter_map(|row| row["number"].as_u64()).collect();
        for number in &numbers {
            *there.entry(*number).or_default() += 1;
        }
        if numbers.len() < PAGE {
            break;
        }
    }
    let mut found = Vec::new();
    for (number, promise) in promised {
        match there.get(&number).copied().unwrap_or_default() {
            0 if promise.acknowledged => found.push(format!("row {number} was acknowledged and is lost")),
            0 | 1 => {}
            times => found.push(format!("row {number} is there {times} times")),
        }
    }
    Ok(found)
}

async fn sign_ups(team: &Team, ledger: &Ledger) -> Result<Vec<String>> {
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    for page in 1.. {
        let listed = team
            .ask("GET", &format!("/auth/v1/admin/users?page={page}&per_page={PAGE}"), &Value::Null)
            .await?;
        let emails: Vec<&str> = each(&listed["users"]).filter_map(|user| user["email"].as_str()).collect();
        for email in &emails {
            *there.entry((*email).to_owned()).or_default() += 1;
        }
        if emails.len() < PAGE {
            break;
        }
    }
    let mut found = Vec::new();
    for (email, promise) in ledger.sign_ups() {
        match there.get(&email).copied().unwrap_or_default() {
            0 if promise.acknowledged => found.push(format!("{email} was acknowledged and is lost")),
            0 | 1 => {}
            times => found.push(format!("{email} is there {times} times")),
        }
    }
    Ok(found)
}

/// A mail is a job: it may still run, but it must run, and once only.
async fn mails(team: &Team, ledger: &Ledger, depth: Depth) -> Result<Vec<String>> {
    let round = ledger.round();
    let deadline = Instant::now() + MAIL_PATIENCE;
    let mut found = Vec::new();
    let wanted = |round_of_it: u32| depth == Depth::Everything || round_of_it == round;
    for (email, promise) in ledger.sign_ups().into_iter().filter(|(_, promise)| wanted(promise.round)) {
        let mut count = count_mails(team, &email).await?;
        while count == 0 && promise.acknowledged && depth == Depth::Everything && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
            count = count_mails(team, &email).await?;
        }
        match count {
            0 if promise.acknowledged && depth == Depth::Everything => {
                found.push(format!("the mail to {email} is lost"));
            }
            0 | 1 => {}
            times => found.push(format!("{email} got the same mail {times} times")),
        }
    }
    Ok(found)
}

async fn count_mails(team: &Team, email: &str) -> Result<usize> {
    let mails = team.ask("GET", &format!("/admin/v1/mailbox?to={email}"), &Value::Null).await?;
    Ok(each(&mails).count())
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
