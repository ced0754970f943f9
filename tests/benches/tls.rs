//! A TLS end before the local cloud, as AWS's own stands before its services: a root and a certificate of the run's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::contenders::Result;

/// What our functions trust, as it stands in their programs.
const AMAZON_ROOTS: &str = include_str!("../../shared/aws/src/amazon-roots.pem");
const END: &str = "-----END CERTIFICATE-----\n";

/// It listens as long as the benchmark runs.
pub struct TlsEnd {
    /// Its address.
    pub url: String,
    /// A file with the run's own root alone.
    pub root: PathBuf,
    /// A file with that root behind those that a machine trusts anyway, since reading them is part of a start.
    pub roots: PathBuf,
    root_pem: String,
}

impl TlsEnd {
    /// Decrypts for `cloud`, an address over plain HTTP. Its files are written to `place`; `bundle` has a machine's roots.
    pub async fn before(cloud: &str, place: &Path, bundle: &Path) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "make bench");
        let root_key = KeyPair::generate()?;
        let root_pem = authority.self_signed(&root_key)?.pem();
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?
            .signed_by(&key, &Issuer::new(authority, root_key))?;

        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.into()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}", listener.local_addr()?);
        let cloud = cloud.trim_start_matches("http://").to_owned();
        tokio::spawn(listen(listener, TlsAcceptor::from(Arc::new(tls)), cloud));

        let (root, roots) = (place.join("root.pem"), place.join("roots.pem"));
        fs::write(&root, &root_pem)?;
        fs::write(&roots, fs::read_to_string(bundle)? + &root_pem)?;
        Ok(Self { url, root, roots, root_pem })
    }

    /// Writes a copy of one of our programs that trusts this end. Ours trust Amazon's roots alone, which are text in the
    /// program; in the copy the run's own root stands in the place of the first, and all else is what would be deployed.
    pub fn trusted_by(&self, program: &Path, copy: &Path) -> Result<()> {
        let first = AMAZON_ROOTS.find(END).ok_or("there are no roots of Amazon's")? + END.len();
        let mut bytes = fs::read(program)?;
        let at = bytes
            .windows(AMAZON_ROOTS.len())
            .position(|part| part == AMAZON_ROOTS.as_bytes())
            .ok_or_else(|| format!("{} does not hold Amazon's roots", program.display()))?;
        let place = &mut bytes[at..at + first];
        place.fill(b'\n');
        let place = place.get_mut(..self.root_pem.len()).ok_or("the run's root is too long")?;
        place.copy_from_slice(self.root_pem.as_bytes());
        // The copy of the program keeps its permission to be run.
        fs::copy(program, copy)?;
        Ok(fs::write(copy, bytes)?)
    }
}

async fn listen(listener: TcpListener, tls: TlsAcceptor, cloud: String) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let (tls, cloud) = (tls.clone(), cloud.clone());
        tokio::spawn(async move {
            client.set_nodelay(true)?;
            let mut client = tls.accept(client).await?;
            let mut cloud = TcpStream::connect(cloud).await?;
            cloud.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut cloud).await
        });
    }
}
