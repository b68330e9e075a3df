//! The life of one request: it is written down, it may have to wait, it takes effect, it is answered.
//! None of that depends on the client still being there, as it would not at the vendor.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    Answer, ErrorBody, Fault, HoldAt, Operation,
    armed::Plan,
    balance,
    call::Call,
    envelopes, inventory, ledger, owned,
    purchase::{self, Extent},
    reply::{Delivery, Reply},
    waiting::Shared,
    world::World,
};

/// How a request ends for its client.
enum Ending {
    Reply(Reply),
    Cut,
    Silence,
}

/// Works a request to its end. The client's connection is closed when `client` is dropped unanswered.
pub(crate) async fn run(shared: Arc<Shared>, call: Call, client: oneshot::Sender<Reply>) {
    tokio::select! {
        () = shared.stop.cancelled() => {}
        () = work(&shared, &call, client) => {}
    }
}

async fn work(shared: &Shared, call: &Call, client: oneshot::Sender<Reply>) {
    let (seq, plan) = shared.change(|world| {
        let plan = world.faults.take(call);
        (world.journal.receive(call, plan.faulty), plan)
    });
    if let Some(delay) = plan.delay {
        tokio::time::sleep(delay).await;
    }
    if plan.hold == Some(HoldAt::Before) {
        shared.hold(seq).await;
    }
    let ending = shared.change(|world| act(world, seq, call, &plan));
    if let Some(delay) = plan.delay_reply {
        tokio::time::sleep(delay).await;
    }
    if plan.hold == Some(HoldAt::After) {
        shared.hold(seq).await;
    }
    finish(shared, seq, ending, client).await;
}

async fn finish(shared: &Shared, seq: u64, ending: Ending, mut client: oneshot::Sender<Reply>) {
    let note = |answer| shared.change(|world| world.journal.set_answer(seq, answer));
    match ending {
        Ending::Reply(reply) => {
            note(Answer::Status(reply.status));
            if client.send(reply).is_err() {
                note(Answer::ClientGone);
            }
        }
        Ending::Cut => {
            note(Answer::Dropped);
            drop(client);
        }
        Ending::Silence => {
            client.closed().await;
            note(Answer::ClientGone);
        }
    }
}

/// Does what the request asks, or what its fault makes of that.
fn act(world: &mut World, seq: u64, call: &Call, plan: &Plan) -> Ending {
    let Some(fault) = &plan.outcome else {
        return Ending::Reply(answer(world, seq, call, plan, Extent::Whole));
    };
    match commit(fault) {
        None => spoil(fault, call, None),
        Some(extent) => {
            let reply = answer(world, seq, call, plan, extent);
            spoil(fault, call, Some(reply))
        }
    }
}

/// Whether, and how far, the request takes effect under a fault.
fn commit(fault: &Fault) -> Option<Extent> {
    match fault {
        Fault::NeverReply { commit: false }
        | Fault::Status { commit: false, .. }
        | Fault::DropBefore
        | Fault::MissingEndpoint => None,
        Fault::DebitWithoutAssignment => Some(Extent::DebitOnly),
        _ => Some(Extent::Whole),
    }
}

/// What the client gets under a fault, in place of the reply that there may be.
fn spoil(fault: &Fault, call: &Call, reply: Option<Reply>) -> Ending {
    let reply = reply.unwrap_or_else(envelopes::no_such_path);
    match fault {
        Fault::NeverReply { .. } => Ending::Silence,
        Fault::DropBefore | Fault::CommitThenDrop => Ending::Cut,
        Fault::CommitThen500 { body } => Ending::Reply(hidden_success(*body)),
        Fault::Status { code, body, content_type, headers, .. } => {
            let mut reply = Reply::new(*code, content_type, body.clone());
            let headers = headers.iter();
            reply
                .headers
                .extend(headers.map(|(name, value)| (name.clone(), value.replace("{self}", &call.target()))));
            Ending::Reply(reply)
        }
        Fault::TruncatedBody => Ending::Reply(reply.delivered(Delivery::Truncated)),
        Fault::HugeBody { bytes } => Ending::Reply(reply.delivered(Delivery::Padded(*bytes))),
        Fault::AnswerWithOtherNumber { e164 } => Ending::Reply(renumbered(reply, call, e164)),
        _ => Ending::Reply(reply),
    }
}

fn hidden_success(body: ErrorBody) -> Reply {
    match body {
        ErrorBody::Html => {
            Reply::new(500, "text/html", "<html><body><h1>500 Internal Server Error</h1></body></html>")
        }
        ErrorBody::Json => envelopes::plain(500, "internal server error", "something went wrong"),
        ErrorBody::Empty => Reply { headers: Vec::new(), ..Reply::new(500, "", "") },
    }
}

fn renumbered(mut reply: Reply, call: &Call, other: &str) -> Reply {
    if let Some(e164) = call.purchase.as_ref().and_then(|purchase| purchase.e164.as_deref()) {
        reply.body = String::from_utf8_lossy(&reply.body).replace(e164, other).into();
    }
    reply
}

/// The answer of a server that does what its documentation says.
fn answer(world: &mut World, seq: u64, call: &Call, plan: &Plan, extent: Extent) -> Reply {
    let account = match call.authenticate(world) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    match call.operation {
        Operation::Purchase => purchase::answer(world, seq, call, account, extent),
        Operation::List => owned::answer(world, account, &call.params, plan.view),
        Operation::Inventory => inventory::answer(world, &call.params, plan.view),
        Operation::Balance => {
            balance::answer(world, account, call.currency.as_deref().unwrap_or_default(), plan.view)
        }
        Operation::Ledger => ledger::answer(world, account, &call.params, plan.view),
        Operation::Other => envelopes::no_such_path(),
    }
}
