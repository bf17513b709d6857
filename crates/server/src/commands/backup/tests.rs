use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Arguments, run};
use crate::boot::{DATABASE_FILE, Instance, Outside};
use crate::commands::restore;
use crate::settings::Settings;

/// A directory that everybody may read, as many are; gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("quoin-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    fn settings(&self) -> Settings {
        let migrations_dir = self.0.join("migrations");
        Settings { data_dir: self.0.clone(), migrations_dir, ..Settings::default() }
    }

    async fn start(&self) -> Instance {
        let settings = self.settings();
        Instance::start(&settings, settings.listen, Outside::default()).await.unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn rights(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_database_its_backup_and_what_is_restored_are_for_their_owner_alone() {
    let (source, target) = (Folder::new("backup"), Folder::new("restore"));
    let instance = source.start().await;
    assert_eq!(rights(&source.0.join(DATABASE_FILE)), 0o600);
    assert_eq!(rights(&source.0.join("quoin.db-wal")), 0o600);
    let backup = source.0.join("copy.db");
    run(&source.settings(), &Arguments { to: backup.clone() }, true).unwrap();
    assert_eq!(rights(&backup), 0o600);
    run(&source.settings(), &Arguments { to: backup.clone() }, true).unwrap_err();
    instance.app.db().system().close();
    drop(instance);

    let arguments = restore::Arguments { from: backup, replace_existing_data: false };
    restore::run(&target.settings(), &arguments, true).unwrap();
    assert_eq!(rights(&target.0.join(DATABASE_FILE)), 0o600);
    std::fs::copy(source.0.join("master.key"), target.0.join("master.key")).unwrap();
    target.start().await.app.db().system().close();
    restore::run(&target.settings(), &arguments, true).unwrap_err();
}
