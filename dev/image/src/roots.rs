//! Mozilla's roots as one PEM file.

use pem::{EncodeConfig, LineEnding, Pem};

/// Mozilla's roots, as the crate carries them: an image without a base has no others.
pub fn bundle() -> String {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let pems: Vec<_> = roots.map(|root| Pem::new("CERTIFICATE", root.as_ref())).collect();
    pem::encode_many_config(&pems, EncodeConfig::new().set_line_ending(LineEnding::LF))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_root_can_be_read_again() {
        let roots = pem::parse_many(super::bundle()).unwrap();
        assert!(roots.len() > 100, "{}", roots.len());
        assert_eq!(roots.len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
    }
}
