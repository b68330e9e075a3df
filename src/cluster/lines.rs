//! Calls share connections, where the API server speaks HTTP/2: all that end soon have one, and watches, with the lists before
//! them, have others. A watch stands for hours, and a connection of its own costs as much memory as twenty claims; so does one of
//! each call that is made at the same time.

use std::{sync::Arc, time::Duration};

use hyper_util::{
    client::legacy::{Builder, Client, connect::Connect},
    rt::{TokioExecutor, TokioTimer},
};
use kube::client::Body;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// Watches on one connection. API servers allow 100; what is more waits until another ends, and no watch does.
const ON_ONE: usize = 50;

/// A connection that answers no ping is dead, and all its watches begin anew.
const PING_EVERY: Duration = Duration::from_secs(30);
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// The same where an answer is waited for: it is to fail before it is given up, so that a read is made once more, and few
/// calls after it meet that connection.
const CALL_PING_EVERY: Duration = Duration::from_secs(3);
const CALL_ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Idle connections of calls that are kept, where HTTP/2 is not spoken.
const KEPT: usize = 32;

/// What the API server may send before it is read, of one answer and of all on a connection: what is on its way stands in
/// memory.
const UNREAD_OF_ONE: u32 = 256 * 1024;
const UNREAD: u32 = 1024 * 1024;

/// Clients of one connection each, where HTTP/2 is spoken; else of one for each watch.
#[derive(Debug, Clone)]
pub struct Lines<C> {
    connector: C,
    lines: Arc<Mutex<Vec<Line<C>>>>,
}

/// One client. A clone of it is the place of a list or watch there.
#[derive(Debug, Clone)]
pub struct Line<C> {
    pub client: Client<C, Body>,
    /// Lists and watches begin one after the other: at first each would make a connection, and then use the first of all.
    pub begins: Arc<Semaphore>,
}

impl<C: Connect + Clone + Send + Sync + 'static> Lines<C> {
    pub fn new(connector: C) -> Self {
        Self { connector, lines: Arc::default() }
    }

    /// A place on the first line that has one.
    pub fn take(&self) -> Line<C> {
        let mut lines = self.lines.lock();
        let has_room = |line: &&Line<C>| Arc::strong_count(&line.begins) <= ON_ONE;
        if let Some(line) = lines.iter().find(has_room) {
            return line.clone();
        }
        let line = Line { client: self.client(), begins: Arc::new(Semaphore::new(1)) };
        lines.push(line.clone());
        line
    }

    /// How many watches there are.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.lines.lock().iter().map(|line| Arc::strong_count(&line.begins) - 1).sum()
    }

    fn client(&self) -> Client<C, Body> {
        builder(PING_EVERY, ANSWERED_WITHIN).build(self.connector.clone())
    }

    /// A client for all that ends soon. On a line of watches, it would wait for what is on its way to them.
    pub fn for_calls(&self) -> Client<C, Body> {
        let mut builder = builder(CALL_PING_EVERY, CALL_ANSWERED_WITHIN);
        builder.pool_max_idle_per_host(KEPT).build(self.connector.clone())
    }
}

fn builder(ping_every: Duration, answered_within: Duration) -> Builder {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(ping_every)
        .http2_keep_alive_timeout(answered_within)
        .http2_initial_stream_window_size(UNREAD_OF_ONE)
        .http2_initial_connection_window_size(UNREAD);
    builder
}

#[cfg(test)]
mod tests {
    use hyper_util::client::legacy::connect::HttpConnector;

    use super::*;

    #[test]
    fn a_connection_takes_so_many_watches_and_another_one_the_next() {
        let lines = Lines::new(HttpConnector::new());
        let count = || lines.lines.lock().len();
        let mut taken: Vec<_> = (0..1000).map(|_| lines.take()).collect();
        assert_eq!(count(), 1000 / ON_ONE);
        // What ends makes room.
        taken.drain(10..70);
        taken.extend((0..60).map(|_| lines.take()));
        assert_eq!(count(), 1000 / ON_ONE);
        taken.push(lines.take());
        assert_eq!(count(), 1000 / ON_ONE + 1);
    }
}
