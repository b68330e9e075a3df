//! The claims that can be in a world, each as a `PhoneNumberClaim`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time as KubeTime;
use kube::core::ObjectMeta;
use strum::VariantArray as _;

use super::{
    cast::{before_the_day, currency},
    world::{Claim, Held, place_of},
};
use crate::api::{AccountRef, Acquire, PAUSED_ANNOTATION, PhoneNumberClaim, PhoneNumberClaimSpec};

/// As many as there are indices.
pub const KINDS: usize = 48;

/// The object of the other account.
pub const OTHER_ACCOUNT: &str = "other";

/// The index of a claim among those that differ in what the world says of them.
pub fn bits(claim: Claim) -> usize {
    let held = claim.held.map_or(0, |held| held as usize + 1);
    let account = usize::from(claim.account) * KINDS / 2;
    account
        + (usize::from(claim.deleting)
            | usize::from(claim.old) << 1
            | usize::from(claim.changed) << 2
            | held << 3)
}

/// The claim of that index.
pub fn claim(uid: u8, bits: usize, two_namespaces: bool, epoch: jiff::Timestamp) -> PhoneNumberClaim {
    let (account, bits) = (bits / (KINDS / 2), bits % (KINDS / 2));
    let (deleting, old, changed) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
    let held = (bits >> 3).checked_sub(1).map(|held| Held::VARIANTS[held]);
    let place = place_of(uid);
    let namespace = if two_namespaces && place == 1 { "other" } else { "one" };
    let spec = PhoneNumberClaimSpec {
        currency: currency(changed),
        account_ref: (account == 1).then(|| AccountRef { name: OTHER_ACCOUNT.to_owned() }),
        acquire: if held == Some(Held::AdoptOnly) { Acquire::AdoptOnly } else { Acquire::Purchase },
        ..serde_json::from_str(r#"{"e164":"+911234500000"}"#).unwrap()
    };
    PhoneNumberClaim {
        metadata: ObjectMeta {
            namespace: Some(namespace.into()),
            name: Some(["first", "second"][place].into()),
            uid: Some(uid.to_string()),
            creation_timestamp: Some(KubeTime(if old { before_the_day(epoch) } else { epoch })),
            deletion_timestamp: deleting.then_some(KubeTime(epoch)),
            annotations: (held == Some(Held::Paused))
                .then(|| [(PAUSED_ANNOTATION.to_owned(), "true".to_owned())].into()),
            ..ObjectMeta::default()
        },
        spec,
        status: None,
    }
}
