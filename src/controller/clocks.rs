//! Keeps the clocks in view: their metric, and another answer from a peer whose clock is not ours.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use strum::VariantArray;

use super::term::Runtime;
use crate::{
    domain::{Clocks, is_notable},
    metrics::Peer,
    plan::Gate,
};

const EVERY: Duration = Duration::from_secs(15);

/// No answer is waited for longer: its date is all that is wanted.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Keeps the metric of the clocks, and asks a peer whose clock is not ours for another answer, so that it is noticed soon when
/// they agree again: held purchases make no calls that would show it.
pub async fn watch(runtime: Arc<Runtime>) {
    let Runtime { kube, accounts, lifecycle, metrics, .. } = &*runtime;
    loop {
        let leads = lifecycle.is_leading();
        let clocks = accounts.clocks().known(leads);
        for peer in Peer::VARIANTS {
            metrics.clock_skew(*peer, ahead(*peer, clocks));
        }
        // All accounts are of the same Vobiz.
        let asked = accounts.all().into_iter().find(|account| is_asked(Peer::Vobiz, clocks, &account.gate()));
        if let Some(account) = asked {
            ask(account.client.probe()).await;
        }
        if is_asked(Peer::Kubernetes, clocks, &Gate::Open) {
            ask(kube.apiserver_version()).await;
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn ahead(peer: Peer, clocks: Clocks) -> Option<SignedDuration> {
    match peer {
        Peer::Vobiz => clocks.vobiz,
        Peer::Kubernetes => clocks.kubernetes,
    }
}

/// A peer whose clock is not ours is asked; but an account that is held is asked by what waits for it.
fn is_asked(peer: Peer, clocks: Clocks, gate: &Gate) -> bool {
    let may = match peer {
        Peer::Vobiz => *gate == Gate::Open,
        Peer::Kubernetes => true,
    };
    may && ahead(peer, clocks).is_some_and(is_notable)
}

/// What is answered does not matter, nor whether anything is.
async fn ask<T>(asked: impl Future<Output = T>) {
    let _ = tokio::time::timeout(ANSWER_WITHIN, asked).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::GateCause;

    #[test]
    fn vobiz_is_asked_for_its_clock_only_by_the_process_that_works() {
        let [near, far] = [60, -180].map(|seconds| Some(SignedDuration::from_secs(seconds)));
        let held = || Gate::Closed(GateCause::RateLimited, "429".into());
        let both = |ahead| Clocks { vobiz: ahead, kubernetes: ahead };
        for (clocks, leading, gate, [vobiz, kubernetes]) in [
            (both(far), true, Gate::Open, [true, true]),
            (both(far), false, Gate::Open, [false, true]),
            (both(far), true, held(), [false, true]),
            (both(near), true, Gate::Open, [false, false]),
            (both(None), true, Gate::Open, [false, false]),
        ] {
            let asked = |peer| is_asked(peer, clocks.known(leading), &gate);
            let asked = [asked(Peer::Vobiz), asked(Peer::Kubernetes)];
            assert_eq!(asked, [vobiz, kubernetes], "{clocks:?} {leading} {gate:?}");
        }
    }
}
