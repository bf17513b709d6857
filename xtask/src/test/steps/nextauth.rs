//! A Next.js application whose people sign in with NextAuth, and which keeps nothing of its own.

use std::process::Command;

use super::super::server::{Start, free_address, fresh_folder};
use super::super::{Context, Tally, counterparts};
use super::{arguments, drive};
use crate::Outcome;

/// Access tokens end after half a minute, so that the application must continue its sessions while the driver looks on.
pub(super) fn sign_in_with_nextauth(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "nextauth")?;
    let (app_port, smtp_port) = (free_address()?.port().to_string(), free_address()?.port().to_string());
    let smtp = format!("smtp://127.0.0.1:{smtp_port}?tls=none");
    let settings = [("QUOIN_IDENTITY_ACCESS_TOKEN_S", "35"), ("QUOIN_MAIL_SMTP_URL", smtp.as_str())];
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    let mut node = Command::new("node");
    node.arg(counterparts::journey(context.workspace)?.join("nextauth/nextauth.mjs"))
        .args(arguments(&server));
    node.arg("--chromium").arg(counterparts::chromium()?);
    node.arg("--screenshots").arg(folder.join("screenshots"));
    node.arg("--app").arg(counterparts::nextauth(context.workspace)?);
    drive(node.args(["--app-port", &app_port, "--smtp-port", &smtp_port]), &[&server], tally)
}
