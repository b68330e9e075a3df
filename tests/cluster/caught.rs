//! An operator whose calls to the API server go through a door that can hold one of them.

use std::sync::Arc;

use faults::{
    door::{Door, Upstream},
    trap::{Caught, Rules, Trap},
};
use tokio::sync::oneshot;

use crate::{operator::Setup, world::World};

/// Has the operator call through a door that holds that call, about the claim and its number. The door stays open as long as
/// it is kept.
pub async fn hold(
    world: &World,
    setup: Setup,
    trap: Trap,
    number: &str,
    claim: &str,
) -> (Setup, Door, oneshot::Receiver<Caught>) {
    let (rules, client) = (Arc::<Rules>::default(), world.cluster.plain_client().await);
    let door = Door::open(Upstream::Kube(client), 1, Arc::default(), rules.clone()).await.unwrap();
    let kubeconfig = world.folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, door.kubeconfig()).unwrap();
    let caught = rules.set(trap, &number[1..], claim);
    (setup.env("KUBECONFIG", kubeconfig.display().to_string()), door, caught)
}
