//! Writes the OCI archive: manifest, configuration, index.

use std::{collections::HashMap, io::Write as _, path::Path, str::FromStr as _};

use flate2::{Compression, GzBuilder};
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, DescriptorBuilder, HistoryBuilder, ImageConfigurationBuilder,
    ImageIndexBuilder, ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, PlatformBuilder, RootFsBuilder,
    Sha256Digest,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType};

use crate::{
    error::Error,
    files::{BINARY, USER},
    layer::append,
};

/// What the image says of itself.
pub struct Identity {
    pub name: String,
    pub revision: String,
    /// RFC 3339
    pub created: String,
    /// A target triple.
    pub target: String,
}

impl Identity {
    fn architecture(&self) -> Result<Arch, Error> {
        match self.target.split('-').next() {
            Some("x86_64") => Ok(Arch::Amd64),
            Some("aarch64") => Ok(Arch::ARM64),
            _ => Err(Error::Target(self.target.clone())),
        }
    }

    /// The names are OCI's own.
    fn labels(&self) -> HashMap<String, String> {
        let labels = [
            ("title", "vobiz-operator"),
            ("description", "Buys phone numbers from Vobiz, declaratively and exactly once"),
            ("version", env!("CARGO_PKG_VERSION")),
            ("licenses", "Apache-2.0"),
            ("revision", &self.revision),
            ("created", &self.created),
        ];
        labels.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned())).into()
    }
}

/// A piece of content, named by its digest.
struct Blob {
    hex: String,
    bytes: Vec<u8>,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        Self { hex: sha256(&bytes), bytes }
    }

    /// By way of a sorted tree: the maps of annotations have no order of their own, and two builds would differ.
    fn json(document: &impl Serialize) -> Result<Self, Error> {
        let mut tree = serde_json::to_value(document)?;
        tree.sort_all_objects();
        Ok(Self::new(serde_json::to_vec(&tree)?))
    }

    fn descriptor(&self, kind: MediaType) -> Result<Descriptor, Error> {
        let size = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        Ok(Descriptor::new(kind, size, Sha256Digest::from_str(&self.hex)?))
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// An image of one layer.
pub struct Image {
    layer: Blob,
    config: Blob,
    manifest: Blob,
    index: Blob,
}

impl Image {
    pub fn of(layer: &[u8], identity: &Identity) -> Result<Self, Error> {
        let diff_id = format!("sha256:{}", sha256(layer));
        let layer = Blob::new(compressed(layer)?);
        let config = ConfigBuilder::default()
            .entrypoint(vec![format!("/{BINARY}")])
            .cmd(vec!["run".to_owned()])
            .user(USER)
            .working_dir("/")
            .env(vec!["PATH=/usr/local/bin".to_owned()])
            .labels(identity.labels())
            .build()?;
        let history =
            HistoryBuilder::default().created(&identity.created).created_by("make image").build()?;
        let config = ImageConfigurationBuilder::default()
            .architecture(identity.architecture()?)
            .os(Os::Linux)
            .created(&identity.created)
            .config(config)
            .rootfs(RootFsBuilder::default().typ("layers").diff_ids(vec![diff_id]).build()?)
            .history(vec![history])
            .build()?;
        let config = Blob::json(&config)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2u32)
            .media_type(MediaType::ImageManifest)
            .config(config.descriptor(MediaType::ImageConfig)?)
            .layers(vec![layer.descriptor(MediaType::ImageLayerGzip)?])
            .annotations(identity.labels())
            .build()?;
        let manifest = Blob::json(&manifest)?;
        let index = Blob::json(&index(&manifest, identity)?)?;
        Ok(Self { layer, config, manifest, index })
    }

    /// Of the manifest: what the image is pulled by.
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.manifest.hex)
    }

    pub fn compressed_size(&self) -> usize {
        self.layer.bytes.len()
    }

    /// The layout of the OCI, as one file.
    pub fn archive(&self, created: i64) -> Result<Vec<u8>, Error> {
        let layout = Blob::json(&OciLayoutBuilder::default().image_layout_version("1.0.0").build()?)?;
        let mut archive = Builder::new(Vec::new());
        let mut file = |path: &str, content: &[u8]| {
            append(&mut archive, EntryType::Regular, (path, 0o644), created, content)
        };
        file("oci-layout", &layout.bytes)?;
        file("index.json", &self.index.bytes)?;
        for blob in [&self.manifest, &self.config, &self.layer] {
            file(&format!("blobs/sha256/{}", blob.hex), &blob.bytes)?;
        }
        archive.into_inner().map_err(Error::file(Path::new("archive")))
    }
}

fn index(manifest: &Blob, identity: &Identity) -> Result<oci_spec::image::ImageIndex, Error> {
    let tag = identity.name.rsplit_once(':').map_or("latest", |(_, tag)| tag).to_owned();
    let names = HashMap::from([
        ("io.containerd.image.name".to_owned(), identity.name.clone()),
        ("org.opencontainers.image.ref.name".to_owned(), tag),
    ]);
    let described = manifest.descriptor(MediaType::ImageManifest)?;
    let platform = PlatformBuilder::default().architecture(identity.architecture()?).os(Os::Linux).build()?;
    let described = DescriptorBuilder::default()
        .media_type(MediaType::ImageManifest)
        .digest(described.digest().clone())
        .size(described.size())
        .platform(platform)
        .annotations(names)
        .build()?;
    Ok(ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(vec![described])
        .build()?)
}

/// Without a time stamp and a file name, which gzip would otherwise carry.
fn compressed(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(Error::file(Path::new("layer")))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn identity() -> Identity {
        Identity {
            name: "vobiz-operator:test".into(),
            revision: "abc".into(),
            created: "2026-01-02T03:04:05Z".into(),
            target: "x86_64-unknown-linux-gnu".into(),
        }
    }

    #[test]
    fn the_same_layer_gives_the_same_archive_whatever_order_maps_have() {
        let archive = || Image::of(b"layer", &identity()).unwrap().archive(0).unwrap();
        let first = archive();
        for _ in 0..20 {
            assert_eq!(archive(), first);
        }
    }

    #[test]
    fn the_container_runs_the_operator_as_a_user_without_rights() {
        let image = Image::of(b"layer", &identity()).unwrap();
        let config: Value = serde_json::from_slice(&image.config.bytes).unwrap();
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/vobiz-operator");
        assert_eq!(config["config"]["Labels"]["org.opencontainers.image.revision"], "abc");
        assert_eq!((config["os"].as_str(), config["architecture"].as_str()), (Some("linux"), Some("amd64")));
        let manifest: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
        assert_eq!(manifest["layers"][0]["digest"], format!("sha256:{}", image.layer.hex));
        assert_eq!(manifest["config"]["digest"], format!("sha256:{}", image.config.hex));
    }

    #[test]
    fn a_target_that_images_have_no_word_for_is_refused() {
        let identity = Identity { target: "riscv".into(), ..identity() };
        assert!(matches!(Image::of(b"layer", &identity), Err(Error::Target(_))));
    }
}
