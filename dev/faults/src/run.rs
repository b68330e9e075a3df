//! One run: a call is caught, something happens, and everything has to settle as it should.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use testbed::operator::Setup;
use tokio::time::{sleep, timeout};

use crate::{
    bench::Bench,
    call::Call,
    choice::{Choice, Deed},
    evidence::{Evidence, until},
    oracle::{self, End},
    stage::{CLAIM, Process, Stage},
    trap::{Caught, Moment, Release, Rules, Sickness},
};

/// How a run went that kept every promise.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whether the call that was to be caught was made at all.
    pub reached: bool,
    pub end: End,
}

struct Run {
    stage: Stage,
    choice: Choice,
    random: Rng,
}

/// The send window, within which the operator answers for what it sends.
const SENT_WITHIN: Duration = Duration::from_secs(10);
/// That and the purchase timeout: what is carried out later need not be found before the attempt has settled.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(12);

/// Performs one run. Nothing if it says nothing, because a purchase was carried out later than any of Vobiz's is.
///
/// # Errors
/// The promise that was broken.
pub async fn run(
    bench: &Arc<Bench>,
    choice: Choice,
    seed: u64,
    evidence: Evidence,
) -> Result<Option<Outcome>, String> {
    let mut random = Rng::with_seed(seed);
    let many = match choice.trap.call {
        Call::Search => true,
        Call::Listing => false,
        _ => random.bool(),
    };
    let stage = Stage::set(bench, evidence.clone(), choice.behaviour, many).await;
    let (number, vobiz) = (stage.number.clone(), stage.vobiz.clone());
    let outcome = Run { stage, choice, random }.perform().await;
    let too_late = evidence.timeline.carried_out_too_late(&number[1..], SENT_WITHIN, CARRIED_OUT_WITHIN);
    match outcome {
        Err(_) if too_late && vobiz.debits(&number) <= 1 => Ok(None),
        outcome => outcome.map(Some),
    }
}

impl Run {
    async fn perform(mut self) -> Result<Outcome, String> {
        let rules = Arc::new(Rules::default());
        let mut caught = rules.set(self.choice.trap, self.stage.digits(), CLAIM);
        let setup = self.setup();
        let process = self.begin(&setup, rules).await?;
        let blind = self.choice.behaviour.is_blind();
        let caught = tokio::select! {
            caught = &mut caught => caught.ok(),
            settled = until("it settles untouched", async || oracle::settled(&self.stage, blind).await) => {
                settled?;
                // An event comes after the status.
                timeout(Duration::from_millis(1500), &mut caught).await.ok().and_then(Result::ok)
            }
        };
        let reached = caught.is_some();
        let running = match caught {
            None => {
                process.rules.disarm();
                vec![process]
            }
            Some(caught) => self.happen(process, &setup, caught).await?,
        };
        let end = self.finish().await?;
        if reached && self.choice.deed == Deed::ChangeClaim {
            self.stage.sent_as_wanted()?;
        }
        self.stage.end(running).await;
        Ok(Outcome { reached, end })
    }

    fn setup(&self) -> Setup {
        let setup = self.stage.setup();
        // What is healed has to be noticed.
        if self.choice.behaviour.is_blind() { setup.env("VOBIZ_RESYNC_INTERVAL", "5s") } else { setup }
    }

    /// Starts the operator and creates the claim: the claim first only where the operator is caught at its start.
    async fn begin(&mut self, setup: &Setup, rules: Arc<Rules>) -> Result<Process, String> {
        let at_start = match self.choice.trap.call {
            Call::LookForKinds
            | Call::ListClaims
            | Call::ListRecords
            | Call::WatchClaims
            | Call::WatchRecords => true,
            Call::Listing => self.choice.trap.nth == 1,
            _ => false,
        };
        let claim_first = at_start && self.random.bool();
        if claim_first {
            self.stage.create_claim(CLAIM, &self.stage.number).await;
        }
        let process = self.stage.start_watched(setup, rules).await;
        if !claim_first {
            if !at_start {
                self.listed_once().await?;
            }
            self.stage.create_claim(CLAIM, &self.stage.number).await;
        }
        Ok(process)
    }

    /// Waits until the operator has listed the account at its start.
    async fn listed_once(&self) -> Result<(), String> {
        until("the account is listed", async || {
            let calls = self.stage.timeline().calls();
            let listed = calls.iter().any(|call| call.call == Call::Listing && call.answered.is_some());
            if listed { Ok(()) } else { Err("no listing".into()) }
        })
        .await
    }

    /// Does the deed. What runs afterwards has to run until the end.
    async fn happen(
        &mut self,
        process: Process,
        setup: &Setup,
        caught: Caught,
    ) -> Result<Vec<Process>, String> {
        // For a while that is shorter than any patience of the operator's.
        let linger = [0, 0, 300, 1000][self.random.usize(..4)];
        sleep(Duration::from_millis(linger)).await;
        let pass = |caught: Caught| {
            let _ = caught.release.send(Release::Pass);
        };
        match self.choice.deed {
            Deed::Kill => Ok(vec![self.kill(process, setup, caught).await]),
            Deed::Disconnect => {
                self.stage.timeline().deed("the connection is closed");
                let _ = caught.release.send(Release::Drop);
                Ok(vec![process])
            }
            Deed::DeleteClaim => {
                self.stage.delete_claim().await;
                pass(caught);
                self.without_claim().await?;
                self.stage.create_claim(CLAIM, &self.stage.number).await;
                Ok(vec![process])
            }
            Deed::ChangeClaim => {
                self.stage.change_currency().await;
                pass(caught);
                Ok(vec![process])
            }
            Deed::HoldClaim => self.stage.hold_claim(caught).await.map(|()| vec![process]),
            Deed::StripStatuses => {
                self.stage.strip_statuses().await;
                pass(caught);
                Ok(vec![process])
            }
            Deed::Sicken(sickness) => {
                self.sicken(&process, sickness, caught).await;
                Ok(vec![process])
            }
            Deed::Pause => self.pause(process, setup, caught).await,
        }
    }

    async fn kill(&mut self, process: Process, setup: &Setup, caught: Caught) -> Process {
        if self.choice.trap.moment == Moment::After {
            sleep(Duration::from_millis(self.random.u64(..30))).await;
        }
        self.stage.timeline().deed(format!("kill -9 of #{}", process.id));
        // Its proxies stay: what it has sent may still be under way.
        let remains = process.kill9().await;
        self.stage.keep(remains);
        if self.choice.trap.moment == Moment::Late {
            let _ = caught.release.send(Release::Pass);
            // A server that never answers acts all the same.
            let _ = timeout(Duration::from_secs(4), caught.done).await;
        } else {
            let _ = caught.release.send(Release::Drop);
        }
        self.stage.start_watched(setup, Arc::default()).await
    }

    async fn sicken(&mut self, process: &Process, sickness: Sickness, caught: Caught) {
        self.stage.timeline().deed(format!("the API server is not well: {sickness:?}"));
        process.rules.sicken(Some(sickness));
        let _ = caught.release.send(Release::Pass);
        sleep(Duration::from_millis(self.random.u64(1000..8000))).await;
        process.rules.sicken(None);
        self.stage.timeline().deed("the API server is well again");
    }

    /// The process stands still until its send window is over, alone or while another one looks.
    async fn pause(
        &mut self,
        process: Process,
        setup: &Setup,
        caught: Caught,
    ) -> Result<Vec<Process>, String> {
        process.operator.pause().await;
        self.stage.timeline().deed(format!("#{} stands still", process.id));
        let _ = caught.release.send(Release::Pass);
        let mut running = vec![process];
        if self.random.bool() {
            running.push(self.stage.start_watched(setup, Arc::default()).await);
            if self.random.bool() {
                let blind = self.choice.behaviour.is_blind();
                until("the other process settles it", async || oracle::settled(&self.stage, blind).await)
                    .await?;
            }
        }
        // The attempt was opened before: by now nobody may send for it.
        sleep(Duration::from_millis(10_500)).await;
        let opened = oracle::attempts(&self.stage);
        running[0].operator.resume().await;
        self.stage.timeline().deed(format!("#{} goes on", running[0].id));
        let resumed = self.stage.timeline().now();
        self.finish().await?;
        let late = self
            .stage
            .timeline()
            .calls()
            .into_iter()
            .filter(|call| call.process == 1 && call.call == Call::Purchase && call.at > resumed)
            .filter(|call| call.digits.as_deref() == Some(self.stage.digits()));
        let known: Vec<&str> = opened.iter().map(|(opened, _)| opened.attempt.as_str()).collect();
        for post in late {
            let calls = self.stage.timeline().calls();
            let of = oracle::attempt_of(&calls, &post, self.stage.digits());
            if of.as_deref().is_some_and(|attempt| known.contains(&attempt)) {
                return Err(format!("sent when its time was over: {post}"));
            }
        }
        Ok(running)
    }

    /// Without its claim, what was opened settles; what was not sent is not sent any more.
    async fn without_claim(&self) -> Result<(), String> {
        let blind = self.choice.behaviour.is_blind();
        until("it settles without a claim", async || oracle::settled(&self.stage, blind).await).await?;
        self.stage.served().await?;
        let end = until("it stays settled", async || oracle::settled(&self.stage, blind).await).await?;
        let trap = self.choice.trap;
        let before_the_look = match trap.call {
            Call::Ledger | Call::Search => trap.nth == 1,
            Call::Listing => trap.nth <= 2,
            Call::CreateRecord => true,
            Call::ReadClaim => trap.moment == Moment::Before,
            _ => false,
        };
        if before_the_look && end.posts > 0 {
            return Err("a purchase for a claim that was gone".into());
        }
        Ok(())
    }

    /// Everything settles, stays settled, and every promise was kept.
    async fn finish(&self) -> Result<End, String> {
        let blind = self.choice.behaviour.is_blind();
        let made = self.choice.behaviour.made();
        let end = until("it settles", async || oracle::settled(&self.stage, blind).await).await?;
        oracle::promises(&self.stage, &end, made.ends)?;
        if blind {
            // Vobiz has its endpoints again: what is ours is found, and what is not stays as it was.
            self.stage.timeline().deed("all endpoints are there");
            self.stage.vobiz.disarm(Some(&self.stage.account));
            let owned = self.stage.vobiz.owner(&self.stage.number).as_deref() == Some(&self.stage.account);
            until("what is ours is found", async || oracle::settled(&self.stage, !owned).await).await?;
        }
        self.stage.served().await?;
        let last = until("it stays settled", async || {
            oracle::settled(&self.stage, blind && end.reason == "NeedsDecision").await
        });
        let last = last.await?;
        oracle::promises(&self.stage, &last, made.ends)?;
        if (last.debits, last.posts, last.attempts) != (end.debits, end.posts, end.attempts) {
            return Err(format!("it had settled, and went on: {end:?}, then {last:?}"));
        }
        Ok(last)
    }
}
