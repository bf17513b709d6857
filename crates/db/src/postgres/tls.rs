//! TLS to the server, with certificates checked as far as `sslmode` asks for.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::refused;
use super::url::{Target, Verify};
use crate::error::DbError;

/// Makes what the driver needs to speak TLS with `target`.
///
/// # Errors
/// [`DbError::Refused`] where the root certificates cannot be read.
pub(super) fn connector(target: &Target) -> Result<MakeRustlsConnect, DbError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let lenient = |authorities| Arc::new(Lenient { provider: Arc::clone(&provider), authorities });
    let verifier: Arc<dyn ServerCertVerifier> = match target.verify {
        Verify::Nothing => lenient(None),
        Verify::Authority => lenient(Some(authorities(target, &provider)?)),
        Verify::AuthorityAndHost => authorities(target, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(cannot_trust)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn authorities(
    target: &Target,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, DbError> {
    let roots = match &target.root_certificate {
        Some(file) => read_roots(file)?,
        None => system_roots(),
    };
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(cannot_trust)
}

fn read_roots(file: &Path) -> Result<RootCertStore, DbError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(cannot_trust)? {
        roots.add(certificate.map_err(cannot_trust)?).map_err(cannot_trust)?;
    }
    Ok(roots)
}

/// A certificate of the system that cannot be read is skipped, as browsers do; without any, verification fails anyway.
fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

fn cannot_trust(error: impl std::fmt::Display) -> DbError {
    refused("08001", format!("the root certificates for PostgreSQL (sslrootcert) cannot be used: {error}"))
}

/// Asks less of the server than its name: the signatures of the handshake are checked in any case.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// Whose word is trusted about the certificate (`sslmode=verify-ca`); nobody is asked without (`prefer`, `require`).
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        match authorities.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The chain is checked before the name, so this error means that the chain is good.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
