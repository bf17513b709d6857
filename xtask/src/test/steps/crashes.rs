//! Power cuts and full disks: drivers that start the server themselves, kill it, and look for what it had promised.

use super::super::server::{Start, free_address, fresh_folder};
use super::super::stores::S3;
use super::super::{Context, Tally};
use super::{drive, kept_in_s3};
use crate::{Outcome, process};

pub(super) fn crash_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    crash(context, tally, "crash-sqlite", &[])
}

pub(super) fn crash_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let url = context.postgres.create_database("crash")?;
    crash(context, tally, "crash-postgres", &[("QUOIN_DATABASE_URL", &url)])
}

/// The driver starts the server itself, with the settings it inherits. Sign-ups come from many addresses, so the
/// driver counts as a proxy.
fn crash(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let settings = [settings, &[("QUOIN_TRUSTED_PROXIES", "1")]].concat();
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let rounds = if context.long { "50" } else { "5" };
    let mut driver = process::dies_with_us(&context.crash, "TERM");
    start.give_settings(&mut driver, free_address()?);
    driver.arg("--folder").arg(&folder).args([
        "--rounds",
        rounds,
        "--",
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--",
    ]);
    drive(driver.arg(&context.quoin).arg("serve"), &[], tally)
}

pub(super) fn erase_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    erase(context, tally, "erase-sqlite", &[])
}

pub(super) fn erase_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let url = context.postgres.create_database("erase")?;
    erase(context, tally, "erase-postgres", &[("QUOIN_DATABASE_URL", &url)])
}

/// Kills a server that erases people and organisations, and searches everything it keeps for them.
fn erase(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let at_once = [
        ("QUOIN_TENANCY_DELETION_GRACE_DAYS", "0"),
        ("QUOIN_TENANCY_INVITATIONS_PER_PERSON", "100000"),
        ("QUOIN_IDENTITY_MAILS_PER_IP", "100000"),
    ];
    let settings = [settings, &at_once].concat();
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let mut driver = process::dies_with_us("python3", "TERM");
    start.give_settings(&mut driver, free_address()?);
    driver.arg(context.workspace.root.join("examples/journey/python/erase.py"));
    driver.arg("--folder").arg(&folder).args(["--rounds", if context.long { "50" } else { "4" }]);
    if name == "erase-postgres" {
        driver.arg("--pg-dump").arg(context.postgres.programs().join("pg_dump"));
    }
    driver.args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
    drive(driver.arg(&context.quoin).arg("serve"), &[], tally)
}

/// Gives the server a small file system of its own for its files, and fills it. The driver starts the server, so that the file
/// system goes with it.
pub(super) fn fill_the_disk(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "disk-full")?;
    let files = folder.join("small").display().to_string();
    let settings = [("QUOIN_FILES_DIRECTORY", files.as_str())];
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let mut driver = process::dies_with_us("python3", "TERM");
    start.give_settings(&mut driver, free_address()?);
    driver.arg(context.workspace.root.join("examples/journey/python/disk_full.py"));
    driver.arg("--folder").arg(&folder).args([
        "--",
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
    ]);
    driver.arg(
        "mount -t tmpfs -o size=24m tmpfs \"$QUOIN_FILES_DIRECTORY\" && exec setpriv --pdeathsig KILL -- \"$0\" serve",
    );
    drive(driver.arg(&context.quoin), &[], tally)
}

pub(super) fn crash_files_on_disk(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    crash_files(context, tally, "crash-files-disk", &[])
}

/// Rows in PostgreSQL, bytes in a store that checks signatures.
pub(super) fn crash_files_on_s3(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let (database, store) = (context.postgres.create_database("crash_files")?, S3::start(context.workspace)?);
    let endpoint = store.url();
    let settings = [&[("QUOIN_DATABASE_URL", database.as_str())], &kept_in_s3(&endpoint)[..]].concat();
    crash_files(context, tally, "crash-files-s3", &settings)
}

/// Kills a server that stores, replaces, moves and removes files, and compares rows, bytes, counters and promises.
fn crash_files(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let start = Start { quoin: &context.quoin, folder: &folder, settings };
    let mut driver = process::dies_with_us("python3", "TERM");
    start.give_settings(&mut driver, free_address()?);
    driver.arg(context.workspace.root.join("examples/journey/python/crash_files.py"));
    driver.arg("--folder").arg(&folder).args(["--rounds", if context.long { "50" } else { "5" }, "--"]);
    driver.args(["setpriv", "--pdeathsig", "KILL", "--"]);
    drive(driver.arg(&context.quoin).arg("serve"), &[], tally)
}
