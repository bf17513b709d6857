//! TLS as `sslmode` asks for it. A proxy speaks TLS for the server, which may be built without it; its certificate is
//! for `localhost`, made for these tests and of no use elsewhere.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{at, database, server_of};
use crate::database::{Db, Options};
use crate::error::DbError;
use crate::testing::{TestDatabase, select};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres/tests/tls").join(name)
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers the client's request for TLS with yes, and passes what it says on in the clear.
async fn tls_proxy(server: String) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut running = JoinSet::new();
    running.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let server = server.clone();
            connections.spawn(async move {
                let mut request = [0; 8];
                client.read_exact(&mut request).await.unwrap();
                assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "not a request for TLS");
                client.write_all(b"S").await.unwrap();
                let Ok(mut client) = acceptor().accept(client).await else { return };
                let mut server = TcpStream::connect(server).await.unwrap();
                // An end without goodbye is how refused certificates look from here.
                drop(copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    (address, running)
}

async fn open(db: &TestDatabase, address: &str, settings: String) -> Result<Db, DbError> {
    let mut options = at(db, address, &settings);
    options.connections = 1;
    tokio::task::spawn_blocking(move || Db::open(&Options::Postgres(options))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_checked_as_far_as_sslmode_asks() {
    let Some(db) = database("select 1").await else { return };
    let Some(server) = server_of(&db) else { return };
    let (address, mut running) = tls_proxy(server).await;
    let (ca, other) = (file("ca.pem"), file("other-ca.pem"));
    let (ca, other) = (ca.display(), other.display());
    let by_name = format!("localhost:{}", address.port());
    let by_number = address.to_string();
    let cases = [
        (&by_name, "sslmode=prefer".to_owned(), true),
        (&by_name, "sslmode=require".to_owned(), true),
        (&by_name, format!("sslmode=require&sslrootcert={ca}"), true),
        (&by_name, format!("sslmode=require&sslrootcert={other}"), false),
        (&by_name, format!("sslmode=verify-ca&sslrootcert={ca}"), true),
        (&by_number, format!("sslmode=verify-ca&sslrootcert={ca}"), true),
        (&by_name, format!("sslmode=verify-ca&sslrootcert={other}"), false),
        (&by_name, format!("sslmode=verify-full&sslrootcert={ca}"), true),
        (&by_number, format!("sslmode=verify-full&sslrootcert={ca}"), false),
        (&by_name, format!("sslmode=verify-full&sslrootcert={other}"), false),
        (&by_name, "sslmode=verify-full&sslrootcert=system".to_owned(), false),
    ];
    for (host, settings, expected) in cases {
        match open(&db, host, settings.clone()).await {
            Ok(encrypted) => {
                assert!(expected, "{host} {settings} should have been refused");
                assert_eq!(select::<bool>(&encrypted, "select true", []).await.unwrap(), [true]);
                encrypted.close();
            }
            Err(error) => {
                assert!(!expected, "{host} {settings}: {error:?}");
                assert!(matches!(error, DbError::Unreachable(_)), "{error:?}");
            }
        }
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let Some(db) = database("select 1").await else { return };
    let Some(server) = server_of(&db) else { return };
    let speaks_tls = select::<String>(&db, "select current_setting('ssl')", []).await.unwrap() == ["on"];
    let refused = open(&db, &server, "sslmode=require".to_owned()).await;
    assert_eq!(refused.is_ok(), speaks_tls);
    open(&db, &server, "sslmode=prefer".to_owned()).await.unwrap().close();
    open(&db, &server, "sslmode=disable".to_owned()).await.unwrap().close();
}
