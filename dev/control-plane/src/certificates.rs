//! The certificates of one control plane, made afresh each time.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::error::Error;

/// The certificate authority that the server and its users are signed by.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
}

/// A certificate and its key, as files.
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// A key pair without a certificate, as files. The apiserver finds the public key of a PKCS#8
/// file only in a file of its own.
pub(crate) struct TokenKeys {
    pub(crate) private: PathBuf,
    pub(crate) public: PathBuf,
}

impl Authority {
    /// Makes an authority whose files go to `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir(folder).map_err(Error::file(folder))?;
        let key = KeyPair::generate()?;
        let mut parameters = named("control-plane-ca", None);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = parameters.self_signed(&key)?;
        let authority = Self { issuer: Issuer::new(parameters, key), folder: folder.to_owned() };
        write_private(&authority.certificate(), &certificate.pem())?;
        Ok(authority)
    }

    /// The authority's own certificate, which clients trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// A certificate for the server on this machine, which may have further addresses.
    pub(crate) fn server(&self, further: &[String]) -> Result<Pair, Error> {
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(String::from);
        let mut parameters = CertificateParams::new([&names, further].concat())?;
        parameters.distinguished_name = named("kube-apiserver", None).distinguished_name;
        self.sign("server", parameters, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate that Kubernetes takes as `user`, a member of `group`. One group at most:
    /// a certificate of rcgen has one organisation.
    pub(crate) fn user(&self, file: &str, user: &str, group: Option<&str>) -> Result<Pair, Error> {
        self.sign(file, named(user, group), ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// The keys with which service account tokens are signed and checked.
    pub(crate) fn token_keys(&self) -> Result<TokenKeys, Error> {
        let key = KeyPair::generate()?;
        let keys = TokenKeys {
            private: self.folder.join("service-accounts.key"),
            public: self.folder.join("service-accounts.pub"),
        };
        write_private(&keys.private, &key.serialize_pem())?;
        write_private(&keys.public, &key.public_key_pem())?;
        Ok(keys)
    }

    fn sign(
        &self,
        file: &str,
        mut parameters: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Pair, Error> {
        let key = KeyPair::generate()?;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![usage];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let pair = Pair {
            certificate: self.folder.join(format!("{file}.crt")),
            key: self.folder.join(format!("{file}.key")),
        };
        write_private(&pair.certificate, &certificate.pem())?;
        write_private(&pair.key, &key.serialize_pem())?;
        Ok(pair)
    }
}

fn named(common_name: &str, organisation: Option<&str>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    if let Some(organisation) = organisation {
        parameters.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::file(path))
}
