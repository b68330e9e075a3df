//! CPU and memory of a process, from /proc.

use std::time::Duration;

use testbed::{Error, operator::Operator};
use tokio::time::sleep;

/// What a process has used so far, from `/proc`.
pub struct Usage {
    /// User and system time, milliseconds.
    pub cpu_ms: u64,
    /// Resident memory now.
    pub rss_kb: u64,
    /// Resident memory at its highest.
    pub peak_kb: u64,
}

/// The kernel's unit of CPU time in `/proc`: a hundredth of a second on every Linux that Rust supports.
const MS_PER_TICK: u64 = 10;

impl Usage {
    pub fn of(operator: &Operator) -> Result<Self, Error> {
        let id = operator.id().ok_or(Error::Process("it has ended"))?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The name in parentheses may hold spaces; the fields behind it do not.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
        let tick = |at: usize| fields.split_whitespace().nth(at).and_then(|ticks| ticks.parse::<u64>().ok());
        let ticks = tick(11).zip(tick(12)).map(|(user, system)| user + system);
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kb = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        Ok(Self {
            cpu_ms: ticks.ok_or(Error::Process("no CPU time in stat"))? * MS_PER_TICK,
            rss_kb: kb("VmRSS").ok_or(Error::Process("no VmRSS in status"))?,
            peak_kb: kb("VmHWM").ok_or(Error::Process("no VmHWM in status"))?,
        })
    }
}

/// So often it is looked at, and so often in a row it must have done next to nothing.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: u32 = 6;
/// CPU time that is next to nothing, of one look, in milliseconds.
const NOTHING: u64 = 10;

/// Waits until a process has come to rest, and says what it has used until then.
pub async fn settled(operator: &Operator) -> Result<Usage, Error> {
    let mut usage = Usage::of(operator)?;
    let mut quiet = 0;
    while quiet < LOOKS {
        sleep(LOOK).await;
        let now = Usage::of(operator)?;
        quiet = if now.cpu_ms - usage.cpu_ms <= NOTHING { quiet + 1 } else { 0 };
        usage = now;
    }
    Ok(usage)
}

/// From now on the peak is that of what follows.
pub fn forget_peak(operator: &Operator) -> Result<(), Error> {
    let id = operator.id().ok_or(Error::Process("it has ended"))?;
    Ok(std::fs::write(format!("/proc/{id}/clear_refs"), "5")?)
}
