//! Where settings come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Settings;
use super::keys::{self, Key};

/// The file that is read where none is named and it exists.
const FILE: &str = "quoin.toml";

/// What the command line says; it wins over everything else.
#[derive(Debug, Default)]
pub struct Overrides {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Values by dotted key.
    pub values: BTreeMap<&'static str, String>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The configuration file is no TOML.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A variable begins with `QUOIN_` and means nothing.
    #[error("the environment sets {0}, which is no setting; docs/config.md lists them all")]
    UnknownVariable(String),
    /// A value does not fit.
    #[error("{0}")]
    Value(String),
    /// A secret is set, and empty.
    #[error("{0} is set but empty; an empty secret would be a published key")]
    EmptySecret(String),
}

/// Reads the file, the environment and the overrides.
///
/// # Errors
/// The first thing that is wrong, with its name and what to do.
pub fn load(
    overrides: &Overrides,
    environment: &BTreeMap<String, String>,
) -> Result<Settings, InvalidSettings> {
    let mut table = read_file(overrides.file.as_deref())?;
    let keys = keys::named(&table);
    refuse_unknown(environment, &keys)?;
    for key in &keys {
        if let Some(text) = from_environment(environment, key)? {
            set(&mut table, &key.path, key.read(&text));
        }
        if let Some(text) = overrides.values.get(key.path.join(".").as_str()) {
            set(&mut table, &key.path, key.read(text));
        }
    }
    let settings: Settings = serde_json::from_value(Value::Object(table))
        .map_err(|error| InvalidSettings::Value(error.to_string()))?;
    settings.identity.validate().map_err(|error| InvalidSettings::Value(error.to_string()))?;
    settings.tenancy.validate().map_err(InvalidSettings::Value)?;
    settings.files.validate().map_err(|error| InvalidSettings::Value(error.to_string()))?;
    settings.jobs.validate().map_err(InvalidSettings::Value)?;
    settings.audit.validate().map_err(InvalidSettings::Value)?;
    settings.mail.validate().map_err(InvalidSettings::Value)?;
    settings.pages.validate().map_err(InvalidSettings::Value)?;
    settings.payments.validate().map_err(InvalidSettings::Value)?;
    refuse_empty_secrets(&settings)?;
    settings.stripe.validate().map_err(InvalidSettings::Value)?;
    Ok(settings)
}

/// Copies the process environment.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars().filter(|(name, _)| name.starts_with("QUOIN_")).collect()
}

fn read_file(named: Option<&Path>) -> Result<Map<String, Value>, InvalidSettings> {
    let path = named.unwrap_or(Path::new(FILE));
    if named.is_none() && !path.exists() {
        return Ok(Map::new());
    }
    let text = read(path)?;
    let table: toml::Table = toml::from_str(&text)
        .map_err(|error| InvalidSettings::Syntax { path: path.into(), message: error.to_string() })?;
    match serde_json::to_value(table) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(InvalidSettings::Syntax { path: path.into(), message: error.to_string() }),
    }
}

fn read(path: &Path) -> Result<String, InvalidSettings> {
    std::fs::read_to_string(path).map_err(|source| InvalidSettings::File { path: path.into(), source })
}

/// Returns a key's variable, or the content of the file that `…_FILE` names.
fn from_environment(
    environment: &BTreeMap<String, String>,
    key: &Key,
) -> Result<Option<String>, InvalidSettings> {
    let variable = key.variable();
    if let Some(value) = environment.get(&variable) {
        return Ok(Some(value.clone()));
    }
    match environment.get(&format!("{variable}_FILE")) {
        Some(path) => Ok(Some(read(Path::new(path))?.trim_end_matches(['\r', '\n']).to_owned())),
        None => Ok(None),
    }
}

fn refuse_unknown(environment: &BTreeMap<String, String>, keys: &[Key]) -> Result<(), InvalidSettings> {
    let is_known = |name: &str| {
        keys.iter().any(|key| {
            let variable = key.variable();
            name == variable || name.strip_suffix("_FILE") == Some(&variable)
        })
    };
    let unknown = environment.keys().find(|name| !is_known(name) && !name.starts_with("QUOIN_TEST_"));
    unknown.map_or(Ok(()), |name| Err(InvalidSettings::UnknownVariable(name.clone())))
}

fn set(table: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((last, sections)) = path.split_last() else { return };
    let mut section = table;
    for name in sections {
        let entry = section.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        match entry {
            Value::Object(inner) => section = inner,
            _ => return,
        }
    }
    section.insert(last.clone(), value);
}

fn refuse_empty_secrets(settings: &Settings) -> Result<(), InvalidSettings> {
    let secrets = [
        ("database_url", &settings.database_url),
        ("master_key", &settings.master_key),
        ("secret_key", &settings.secret_key),
        ("service_secret", &settings.service_secret),
        ("mail.smtp_url", &settings.mail.smtp_url),
        ("files.s3.secret_access_key", &settings.files.s3.secret_access_key),
        ("files.s3.session_token", &settings.files.s3.session_token),
        ("files.gcs.service_account", &settings.files.gcs.service_account),
        ("stripe.secret_key", &settings.stripe.secret_key),
        ("stripe.webhook_secret", &settings.stripe.webhook_secret),
    ];
    let upstream = settings.identity.upstream.secrets();
    let empty = secrets
        .iter()
        .chain(&upstream)
        .find(|(_, secret)| secret.as_ref().is_some_and(|value| value.expose().is_empty()));
    empty.map_or(Ok(()), |(name, _)| Err(InvalidSettings::EmptySecret((*name).to_owned())))
}
