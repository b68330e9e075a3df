use std::{sync::Arc, time::Duration};

use kube::Client;

use crate::{
    account::Account,
    metrics::{Metrics, Peer},
    plan::{Gate, is_notable},
    vobiz::Client as Vobiz,
};

/// How often the clocks are looked at.
const EVERY: Duration = Duration::from_secs(15);

/// No answer is waited for longer: its date is all that is wanted.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Keeps the metric of the clocks, and asks whoever's clock is not ours for another answer, so that it is noticed soon when
/// they agree again: held purchases make no calls that would show it.
pub async fn watch(kube: Client, vobiz: Arc<Vobiz>, account: Arc<Account>, metrics: Arc<Metrics>) {
    loop {
        let clocks = account.clocks();
        for peer in Peer::ALL {
            let ahead = clocks.of(*peer);
            metrics.clock_skew(*peer, ahead);
            if ahead.is_some_and(is_notable) {
                ask(*peer, &kube, &vobiz, &account).await;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What is answered does not matter, nor whether anything is.
async fn ask(peer: Peer, kube: &Client, vobiz: &Vobiz, account: &Account) {
    let asked = async {
        match peer {
            // An account that is held is asked by whoever waits for it.
            Peer::Vobiz if account.gate() == Gate::Open => drop(vobiz.probe().await),
            Peer::Vobiz => {}
            Peer::Kubernetes => drop(kube.apiserver_version().await),
        }
    };
    let _ = tokio::time::timeout(ANSWER_WITHIN, asked).await;
}
