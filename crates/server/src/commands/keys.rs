//! `quoin keys`: API keys and the signing key.

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::{print, with_door};
use crate::settings::Settings;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key and show it once
    Create {
        /// What to call it
        name: String,
        /// What it may do, separated by commas; * is everything
        #[arg(long, default_value = "*", value_delimiter = ',')]
        scopes: Vec<String>,
        /// Confine it to one organisation
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        /// Make a publishable key instead of a secret one
        #[arg(long)]
        publishable: bool,
    },
    /// List keys
    List,
    /// Revoke a key at once
    Revoke {
        /// The key's id
        id: String,
    },
    /// Sign new access tokens with a new key; nobody is logged out
    RotateSigning,
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, command: Command, json: bool) -> Result<(), String> {
    match command {
        Command::Create { name, scopes, org, publishable } => {
            let kind = if publishable { "publishable" } else { "secret" };
            let scopes = if publishable { Vec::new() } else { scopes };
            let body = json!({"name": name, "kind": kind, "scopes": scopes, "org_id": org});
            let made = with_door(settings, async |door| {
                door.call(Method::POST, "/admin/v1/keys", Some(&body)).await
            })?;
            print(
                json,
                &made,
                &[format!("id   {}", text(&made["id"])), format!("key  {}", text(&made["key"]))],
            );
        }
        Command::List => {
            let listed = with_door(settings, async |door| {
                door.call(Method::GET, "/admin/v1/keys?limit=1000", None).await
            })?;
            let rows = listed["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            print(json, &listed, &rows.iter().map(line).collect::<Vec<_>>());
        }
        Command::Revoke { id } => {
            let path = format!("/admin/v1/keys/{id}");
            with_door(settings, async |door| door.call(Method::DELETE, &path, None).await)?;
            print(json, &json!({"revoked": id}), &[format!("revoked {id}")]);
        }
        Command::RotateSigning => {
            let made = with_door(settings, async |door| {
                door.call(Method::POST, "/admin/v1/signing-keys/rotate", None).await
            })?;
            print(json, &made, &[format!("new tokens are signed with {}", text(&made["kid"]))]);
        }
    }
    Ok(())
}

fn line(key: &Value) -> String {
    let state = if key["revoked_at"].is_null() { "live" } else { "revoked" };
    let (id, start, name) = (text(&key["id"]), text(&key["start"]), text(&key["name"]));
    format!("{id}  {state:7}  {start}…  {name}  {}", key["scopes"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
