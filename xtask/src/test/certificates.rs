//! An authority and a certificate for this machine, so that TLS is tried against the real thing.

use std::path::Path;
use std::process::Command;

use crate::{Outcome, process};

/// The least that a certificate of version 3 needs; the system's own configuration may add what clients refuse.
const CONFIGURATION: &str = "[req]
distinguished_name = name
prompt = no
[name]
CN = localhost
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
";

/// Writes `authority.crt`, `server.crt` and `server.key` into the folder.
pub(crate) fn make(folder: &Path) -> Outcome {
    std::fs::write(folder.join("openssl.cnf"), CONFIGURATION)?;
    let make = |extensions: &str, name: &str, signer: &[&str]| {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-new",
            "-nodes",
            "-newkey",
            "rsa:2048",
            "-days",
            "7",
            "-config",
            "openssl.cnf",
        ]);
        openssl.args([
            "-extensions",
            extensions,
            "-keyout",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.crt"),
        ]);
        process::quiet(openssl.args(signer).current_dir(folder))
    };
    make("authority", "authority", &[])?;
    make("server", "server", &["-CA", "authority.crt", "-CAkey", "authority.key"])
}
