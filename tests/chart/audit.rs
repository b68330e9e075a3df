//! What one user has asked of the API server, by its audit log.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use control_plane::ControlPlane;
use serde_json::Value;

use crate::right::Right;

/// The requests of one user from now on.
pub struct Audit {
    log: PathBuf,
    from: u64,
    user: String,
}

impl Audit {
    pub fn of(plane: &ControlPlane, user: &str) -> Self {
        let log = plane.audit_log();
        let from = log.metadata().map_or(0, |file| file.len());
        Self { log, from, user: user.to_owned() }
    }

    fn events(&self) -> Vec<Value> {
        let mut file = File::open(&self.log).unwrap();
        file.seek(SeekFrom::Start(self.from)).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        // It may be read in the middle of a write.
        let finished = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines = finished.lines().filter(|line| line.contains(&self.user));
        let events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["user"]["username"] == self.user.as_str()).collect()
    }

    /// The rights that were used with success or not, but not in vain.
    pub fn used(&self) -> BTreeSet<Right> {
        let events = self.events();
        events.iter().filter(|event| !is_refused(event)).filter_map(Right::of_event).collect()
    }

    /// The rights that it would have needed.
    pub fn refused(&self) -> BTreeSet<Right> {
        self.events().iter().filter(|event| is_refused(event)).filter_map(Right::of_event).collect()
    }

    /// How often it was refused that.
    pub fn refusals(&self, right: &Right) -> usize {
        let events = self.events();
        let refused = events.iter().filter(|event| is_refused(event)).filter_map(Right::of_event);
        refused.filter(|needed| needed == right).count()
    }
}

fn is_refused(event: &Value) -> bool {
    event["annotations"]["authorization.k8s.io/decision"] == "forbid"
}
