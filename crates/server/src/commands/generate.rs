//! `quoin gen`: the documents that are generated from the program itself.

use std::path::{Path, PathBuf};

use http::Method;

use crate::admin_door::AdminDoor;
use crate::settings::{Settings, reference};

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory to write `config.md` and `openapi.json` into
    directory: PathBuf,
}

/// Runs the command on an instance in a directory of its own, which is removed again.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let scratch = directory.join(".gen");
    let settings = Settings { data_dir: scratch.clone(), ..Settings::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let document = runtime.map_err(|error| error.to_string())?.block_on(document(&settings));
    std::fs::remove_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    write(&directory.join("config.md"), &reference())?;
    write(&directory.join("openapi.json"), &document?)
}

async fn document(settings: &Settings) -> Result<String, String> {
    let door = AdminDoor::open(settings).await.map_err(|error| error.to_string())?;
    let document = door.call(Method::GET, "/openapi.json", None).await.map_err(|error| error.to_string());
    door.close();
    let document = document?;
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
