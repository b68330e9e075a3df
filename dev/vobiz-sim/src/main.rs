//! The simulated Vobiz as a process of its own.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use clap::Parser;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use vobiz_sim::{Config, Sim, SimError, State};

/// A simulated Vobiz. Prints its URL when it is ready, and serves until it is told to stop.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The accounts and numbers to start with, as YAML.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve HTTPS, with a certificate authority made for the occasion.
    #[arg(long)]
    tls: bool,
    /// A further name for the certificate. Can be repeated.
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_name: Vec<String>,
    /// Where to write that authority's certificate.
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,
    /// A file to write the URL to when ready.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Stop when the standard input ends, as it does when the parent is gone.
    #[arg(long)]
    exit_with_parent: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vobiz-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), SimError> {
    let sim = Sim::start(Config {
        listen: arguments.listen,
        tls: arguments.tls,
        tls_names: arguments.tls_name,
        state: State::from_file(&arguments.state)?,
    })
    .await?;
    // From here on a signal must find its handler: whoever reads the URL may send one at once.
    let mut stop = Stop::new(arguments.exit_with_parent).map_err(SimError::Listen)?;
    if let (Some(path), Some(pem)) = (&arguments.ca_out, sim.ca_pem()) {
        write_whole(path, pem)?;
    }
    if let Some(path) = &arguments.ready_file {
        write_whole(path, &sim.url())?;
    }
    // Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "{}", sim.url());
    stop.wait().await;
    sim.stop().await;
    Ok(())
}

/// Writes a file that is either absent or complete, since somebody polls for it.
fn write_whole(path: &Path, text: &str) -> Result<(), SimError> {
    let failed = |source| SimError::File { path: path.display().to_string(), source };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, text).map_err(failed)?;
    fs::rename(&part, path).map_err(failed)
}

/// The ways of being told to stop.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    with_parent: bool,
}

impl Stop {
    fn new(with_parent: bool) -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            with_parent,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = end_of_input(), if self.with_parent => {}
        }
    }
}

/// Reads on a thread of its own: a read that the runtime started would keep the process alive at the end.
async fn end_of_input() {
    let (ended, end) = oneshot::channel::<()>();
    thread::spawn(move || {
        // Whatever comes is ignored; an error is as good as an end.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(ended);
    });
    // The error is the news: the thread is through.
    let _ = end.await;
}
