//! `quoin orgs`: organisations that the platform's team founds for its customers.

use clap::Subcommand;
use http::Method;
use serde_json::json;

use super::{print, with_door};
use crate::settings::Settings;

/// What to do with organisations.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Found an organisation; its owner gets a mail with a link. Shows the publishable key that names it, once
    Create {
        /// What it is called
        name: String,
        /// The address of whoever will own it
        #[arg(long)]
        owner_email: String,
    },
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, command: &Command, json: bool) -> Result<(), String> {
    let Command::Create { name, owner_email } = command;
    let body = json!({"name": name, "owner_email": owner_email});
    let founded =
        with_door(settings, async |door| door.call(Method::POST, "/admin/v1/orgs", Some(&body)).await)?;
    let text = |field: &str| founded[field].as_str().unwrap_or_default().to_owned();
    let lines = [
        format!("organisation     {}", text("id")),
        format!("owner            {}", founded["owner"]["email"].as_str().unwrap_or_default()),
        format!("publishable key  {}", text("publishable_key")),
    ];
    print(json, &founded, &lines);
    Ok(())
}
