//! `quoin doctor`: looks at the configuration and everything it leads to, and says what to do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use http::Method;
use quoin_identity::config::{Unverified, UpstreamKind};
use serde_json::{Value, json};

use super::{print, with_door};
use crate::settings::Settings;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Warning,
    Bad,
}

/// What was looked at, how it stands, and what to do.
#[derive(Debug)]
struct Finding {
    what: &'static str,
    state: State,
    detail: String,
}

/// Runs the command; fails where anything is bad.
pub(crate) fn run(settings: &Settings, json: bool) -> Result<(), String> {
    let mut findings =
        vec![public_url(settings), unverified(settings), mail(settings), data_dir(&settings.data_dir)];
    if let Some(finding) = master_key(settings) {
        findings.push(finding);
    }
    findings.extend(upstream(settings));
    findings.push(instance(settings));
    let lines: Vec<String> = findings.iter().map(Finding::line).collect();
    let value: Vec<Value> = findings
        .iter()
        .map(|finding| json!({"what": finding.what, "state": finding.state.name(), "detail": finding.detail}))
        .collect();
    print(json, &Value::from(value), &lines);
    let bad = findings.iter().filter(|finding| finding.state == State::Bad).count();
    if bad > 0 {
        return Err(format!("{bad} of {} checks failed", findings.len()));
    }
    Ok(())
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
        }
    }
}

impl Finding {
    fn new(what: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self { what, state, detail: detail.into() }
    }

    fn line(&self) -> String {
        format!("{:8} {:12} {}", self.state.name(), self.what, self.detail)
    }
}

fn public_url(settings: &Settings) -> Finding {
    let what = "public_url";
    match &settings.public_url {
        None if settings.listen.ip().is_loopback() => {
            Finding::new(what, State::Good, format!("http://{} (by default)", settings.listen))
        }
        None => Finding::new(
            what,
            State::Bad,
            "is not set, so links in mails lead nowhere; set it to the address people use",
        ),
        Some(url) if url.starts_with("https://") || settings.listen.ip().is_loopback() => {
            Finding::new(what, State::Good, url.clone())
        }
        Some(url) => Finding::new(
            what,
            State::Warning,
            format!("{url} is not https: cookies and links travel in the clear"),
        ),
    }
}

fn unverified(settings: &Settings) -> Finding {
    let what = "unverified";
    match settings.identity.unverified {
        Unverified::Refuse => Finding::new(what, State::Good, "no session until the address is proved"),
        Unverified::Restricted => Finding::new(
            what,
            State::Warning,
            "identity.unverified = restricted: sign-up reveals which addresses have an account",
        ),
        Unverified::Autoconfirm => Finding::new(
            what,
            State::Warning,
            "identity.unverified = autoconfirm: nobody proves an address, so nobody joins an organisation by its domain",
        ),
    }
}

fn mail(settings: &Settings) -> Finding {
    let what = "mail";
    if settings.mail.smtp_url.is_some() {
        return Finding::new(what, State::Good, format!("by SMTP, from {}", settings.mail.from));
    }
    if settings.listen.ip().is_loopback() {
        return Finding::new(what, State::Good, "development mailbox at GET /admin/v1/mailbox");
    }
    Finding::new(what, State::Bad, "mail.smtp_url is not set, so no mail can leave")
}

fn data_dir(path: &Path) -> Finding {
    let what = "data_dir";
    match std::fs::metadata(path) {
        Err(_) => {
            Finding::new(what, State::Good, format!("{} will be made at the first start", path.display()))
        }
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            let detail = format!("others may read {}; chmod 700 it", path.display());
            Finding::new(what, State::Warning, detail)
        }
        Ok(_) => Finding::new(what, State::Good, path.display().to_string()),
    }
}

fn master_key(settings: &Settings) -> Option<Finding> {
    let shares_database = settings.database_url.is_some() && settings.master_key.is_none();
    shares_database.then(|| {
        let detail =
            "comes from this node's data directory; several nodes on one database need the same master_key";
        Finding::new("master_key", State::Warning, detail)
    })
}

/// Says who keeps people, where that is a provider, and what it cannot do as it is configured.
fn upstream(settings: &Settings) -> Option<Finding> {
    let config = &settings.identity.upstream;
    let kind = config.provider?;
    let administers = config.administer
        && match kind {
            UpstreamKind::Cognito => config.secret_access_key.is_some(),
            UpstreamKind::Keycloak | UpstreamKind::Auth0 => true,
        };
    let what = "upstream";
    Some(if administers {
        Finding::new(what, State::Good, format!("people are kept by {} at {}", kind.name(), config.issuer()))
    } else {
        let detail = format!(
            "people are kept by {}, whose accounts are not administered: no bans, erasure or second factors there",
            kind.name()
        );
        Finding::new(what, State::Warning, detail)
    })
}

/// Opens the instance, or asks the running one whether it is ready.
fn instance(settings: &Settings) -> Finding {
    match with_door(settings, async |door| door.call(Method::GET, "/readyz", None).await) {
        Ok(_) => Finding::new("instance", State::Good, "database, schema and master key are in order"),
        Err(message) => Finding::new("instance", State::Bad, message),
    }
}
