//! The program's calls to the API server, from the audit log.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::PathBuf,
};

use control_plane::ControlPlane;
use serde_json::Value;
use testbed::Error;

use crate::bench::USER;

/// The log, from some moment on.
pub struct Audit {
    file: PathBuf,
    from: u64,
}

/// Calls of the program. Its lists and watches are none of them.
#[derive(Default)]
pub struct Counts {
    /// All but events.
    pub writes: u64,
    pub reads: u64,
    pub events: u64,
}

impl Audit {
    pub fn from_now_on(plane: &ControlPlane) -> Result<Self, Error> {
        let file = plane.audit_log();
        Ok(Self { from: std::fs::metadata(&file)?.len(), file })
    }

    /// Reads line by line: a hundred thousand claims make a log of half a gigabyte.
    pub fn counts(&self) -> Result<Counts, Error> {
        let mut file = BufReader::new(File::open(&self.file)?);
        file.seek(SeekFrom::Start(self.from))?;
        let mut counts = Counts::default();
        for line in file.split(b'\n') {
            // The first and the last may be half a line.
            let Ok(event) = serde_json::from_slice::<Value>(&line?) else { continue };
            if event["user"]["username"] != USER {
                continue;
            }
            match event["verb"].as_str() {
                Some("list" | "watch") | None => {}
                Some("get") => counts.reads += 1,
                Some(_) if event["objectRef"]["resource"] == "events" => counts.events += 1,
                Some(_) => counts.writes += 1,
            }
        }
        Ok(counts)
    }
}
