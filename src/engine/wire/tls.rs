//! What TLS adds: whom to trust, and who we are.

use std::sync::Arc;

use amm_core::config::Tls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::{Result, WireError};

/// One session to be.
pub(super) struct Session(pub(super) ClientConnection);

impl Session {
    /// Prepares a session with the server of this name, or address.
    pub(super) fn new(settings: &Tls, name: &str) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(said)?;
        let builder = if settings.verify {
            builder.with_root_certificates(roots(settings)?)
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        };
        let config = match (&settings.cert, &settings.key) {
            (Some(cert), Some(key)) => {
                let key = PrivateKeyDer::from_pem_file(key).map_err(|e| in_file(key, e))?;
                let chain = certificates(cert)?;
                builder.with_client_auth_cert(chain, key).map_err(said)?
            }
            _ => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from(name.to_owned()).map_err(said)?;
        let connection = ClientConnection::new(Arc::new(config), name).map_err(said)?;
        Ok(Self(connection))
    }
}

fn roots(settings: &Tls) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(ca) = &settings.ca {
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(said)?;
        }
    }
    Ok(roots)
}

/// The certificates in a file, of PEM or one of DER.
fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = std::fs::read(path).map_err(|error| in_file(path, error))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| in_file(path, error))?;
    Ok(if found.is_empty() {
        vec![CertificateDer::from(bytes)]
    } else {
        found
    })
}

fn said(error: impl std::fmt::Display) -> WireError {
    WireError::Tls(error.to_string())
}

fn in_file(path: &str, error: impl std::fmt::Display) -> WireError {
    WireError::Tls(format!("{path}: {error}"))
}

/// Takes any certificate, as `verify = false` says.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
