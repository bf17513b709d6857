//! `quoin users`: people out of this instance and into it, a line of JSON each, with the hashes of their passwords.
//!
//! Both go page by page, show how far they are, and may be interrupted: an export goes on behind the last whole line, an
//! import finds everybody there who had arrived.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::{print, with_door};
use crate::admin_door::{AdminDoor, Refused};
use crate::data_dir::open_private;
use crate::settings::Settings;

/// How many people travel at once.
const AT_ONCE: usize = 200;
/// More bytes than a person's line ever has.
const LONGEST_LINE: u64 = 1024 * 1024;

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write everybody into a file that only you may read; goes on behind its last line where it exists
    Export {
        /// The file, one line of JSON for each person
        file: PathBuf,
    },
    /// Add everybody whom a file names; whoever is there already stays as they are
    Import {
        /// The file, one line of JSON for each person
        file: PathBuf,
    },
}

/// Runs the command; fails where somebody was refused.
pub(crate) fn run(settings: &Settings, command: &Command, json: bool) -> Result<(), String> {
    match command {
        Command::Export { file } => {
            let (mut out, after) = reopen(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let done = with_door(settings, async |door| export(door, &mut out, after, json).await)?;
            print(json, &done, &[format!("{} people written to {}", done["written"], file.display())]);
            Ok(())
        }
        Command::Import { file } => {
            let open = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let done = with_door(settings, async |door| import(door, open, json).await)?;
            print(json, &done, &lines(&done));
            match done["refused"].as_array().map_or(0, Vec::len) {
                0 => Ok(()),
                count => Err(format!("{count} people were refused")),
            }
        }
    }
}

/// Opens the file, for its owner alone, behind its last whole line, and reads whose that is; a line that was cut off is
/// written anew.
fn reopen(path: &Path) -> Result<(File, Option<String>), String> {
    let mut file = open_private(path).map_err(|error| error.to_string())?;
    let (end, last) = last_line(&mut file).map_err(|error| error.to_string())?;
    let after = last.map(|line| {
        let line: Option<Value> = serde_json::from_slice(&line).ok();
        let id = line.and_then(|line| line["id"].as_str().map(str::to_owned));
        id.ok_or("the last line names nobody: this is no file of ours")
    });
    let after = after.transpose()?;
    file.set_len(end).map_err(|error| error.to_string())?;
    file.seek(SeekFrom::Start(end)).map_err(|error| error.to_string())?;
    Ok((file, after))
}

/// Finds where the last whole line ends, and the line.
fn last_line(file: &mut File) -> io::Result<(u64, Option<Vec<u8>>)> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LONGEST_LINE);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else { return Ok((0, None)) };
    let begin = tail[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Ok((from + end as u64 + 1, Some(tail[begin..end].to_vec())))
}

async fn export(
    door: &AdminDoor,
    out: &mut File,
    mut after: Option<String>,
    json: bool,
) -> Result<Value, Refused> {
    let mut written = 0_usize;
    loop {
        let from = after.as_ref().map(|id| format!("&after={id}")).unwrap_or_default();
        let path = format!("/auth/v1/admin/users/export?limit={AT_ONCE}{from}");
        let page = door.call(Method::GET, &path, None).await?;
        let people = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut text = String::new();
        for person in people {
            text.push_str(&person.to_string());
            text.push('\n');
        }
        out.write_all(text.as_bytes()).and_then(|()| out.sync_data()).map_err(|error| lost(&error))?;
        written += people.len();
        progress(json, written);
        after = people.last().and_then(|person| person["id"].as_str()).map(str::to_owned);
        if page["next_cursor"].is_null() {
            return Ok(json!({"written": written}));
        }
    }
}

async fn import(door: &AdminDoor, file: File, json: bool) -> Result<Value, Refused> {
    let (mut imported, mut unchanged, mut refused) = (0, 0, Vec::new());
    let mut lines = BufReader::new(file).lines().enumerate().peekable();
    while lines.peek().is_some() {
        let (mut numbers, mut people) = (Vec::new(), Vec::new());
        for (number, line) in lines.by_ref() {
            let line = line.map_err(|error| lost(&error))?;
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Value>(&line) {
                Ok(person) => {
                    numbers.push(number + 1);
                    people.push(person);
                }
                Err(error) => refused.push(json!({"line": number + 1, "message": error.to_string()})),
            }
            if people.len() == AT_ONCE {
                break;
            }
        }
        let body = json!({"users": people});
        let done = door.call(Method::POST, "/auth/v1/admin/users/import", Some(&body)).await?;
        imported += done["imported"].as_u64().unwrap_or(0);
        unchanged += done["unchanged"].as_u64().unwrap_or(0);
        refused.extend(done["refused"].as_array().into_iter().flatten().map(|one| {
            let place = one["index"].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
            json!({"line": numbers.get(place), "code": one["code"], "message": one["message"]})
        }));
        progress(json, numbers.last().copied().unwrap_or(0));
    }
    Ok(json!({"imported": imported, "unchanged": unchanged, "refused": refused}))
}

fn lost(error: &io::Error) -> Refused {
    Refused::Silent(error.to_string())
}

/// Says on the standard error how far it is, for people.
fn progress(json: bool, count: usize) {
    if !json {
        eprintln!("{count} …");
    }
}

fn lines(done: &Value) -> Vec<String> {
    let refused = done["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    let why = refused
        .iter()
        .map(|one| format!("line {}: {}", one["line"], one["message"].as_str().unwrap_or("refused")));
    let sum = format!("{} imported, {} were there already", done["imported"], done["unchanged"]);
    std::iter::once(sum).chain(why).collect()
}
