//! CPU and memory of a process, from /proc.

use testbed::{Error, operator::Operator};

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
