//! What this process has told claims and not seen come back yet.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::api::PhoneNumberClaimStatus;

/// By the claim's uid: one status for each that is on its way.
#[derive(Default)]
pub struct Told(Mutex<HashMap<String, PhoneNumberClaimStatus>>);

impl Told {
    /// Before it is written: it may come back before the answer does.
    pub fn tell(&self, uid: &str, status: &PhoneNumberClaimStatus) {
        self.0.lock().insert(uid.to_owned(), status.clone());
    }

    /// The claim has this status now. Returns whether this process has told it so.
    pub fn comes_back(&self, uid: &str, status: Option<&PhoneNumberClaimStatus>) -> bool {
        let mut told = self.0.lock();
        let is_it = told.get(uid).is_some_and(|told| Some(told) == status);
        if is_it {
            told.remove(uid);
        }
        is_it
    }

    /// It was not written, or the claim is gone.
    pub fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }
}
