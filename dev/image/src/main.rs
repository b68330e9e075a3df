//! Packs the operator into an OCI image without a container runtime or a base image: one static binary on an empty
//! file system, with the roots that it trusts and a list of what it is made of. The same inputs give the same bytes.

mod error;
mod files;
mod layer;
mod oci;
mod roots;
mod sbom;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use jiff::Timestamp;

use error::Error;
use files::FileTree;
use oci::Identity;

#[derive(Parser)]
#[command(name = "image")]
struct Cli {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write the image as an OCI archive (what `ctr image import` and `skopeo copy oci-archive:` read), and print its
    /// digest and sizes
    Build {
        #[command(flatten)]
        inputs: Inputs,
        /// The revision that the binary was built from
        #[arg(long, value_name = "COMMIT")]
        revision: String,
        /// The name to import it under
        #[arg(long, value_name = "NAME:TAG")]
        name: String,
        /// Where to write the archive
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write the image's file system into a folder
    Rootfs {
        #[command(flatten)]
        inputs: Inputs,
        /// Where; it must not exist yet
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

#[derive(clap::Args)]
struct Inputs {
    /// The operator, linked statically
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The target triple that it was built for
    #[arg(long, value_name = "TRIPLE")]
    target: String,
    /// Time stamp of all files, seconds since 1970
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
    created: i64,
}

fn main() -> ExitCode {
    match execute(Cli::parse().action) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(action: Action) -> Result<(), Error> {
    match action {
        Action::Build { inputs, revision, name, out } => build(&inputs, revision, name, &out),
        Action::Rootfs { inputs, out } => {
            let layer = layer::pack(&inputs.files()?, inputs.created)?;
            fs::create_dir(&out).map_err(Error::file(&out))?;
            tar::Archive::new(layer.as_slice()).unpack(&out).map_err(Error::file(&out))
        }
    }
}

fn build(inputs: &Inputs, revision: String, name: String, out: &Path) -> Result<(), Error> {
    let layer = layer::pack(&inputs.files()?, inputs.created)?;
    let created = Timestamp::from_second(inputs.created).map_err(|_| Error::Time(inputs.created))?;
    let identity = Identity { name, revision, created: created.to_string(), target: inputs.target.clone() };
    let image = oci::Image::of(&layer, &identity)?;
    let archive = image.archive(inputs.created)?;
    fs::write(out, &archive).map_err(Error::file(out))?;
    let mut output = std::io::stdout();
    let written = writeln!(
        output,
        "{}\n{} {}\n{:.1} MB on disk, {:.1} MB to pull",
        out.display(),
        identity.name,
        image.digest(),
        megabytes(layer.len()),
        megabytes(image.compressed_size()),
    );
    written.map_err(Error::file(Path::new("standard output")))
}

fn megabytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e6
}

impl Inputs {
    fn files(&self) -> Result<FileTree, Error> {
        let binary = fs::read(&self.binary).map_err(Error::file(&self.binary))?;
        Ok(FileTree::new(binary, &roots::bundle(), &sbom::of_the_operator(&self.target)?))
    }
}
