//! How something that is shown ends: by itself, when it is left running until Ctrl-C, or interrupted. Whatever was
//! started ends when it is dropped, and so on every way out.

use std::{fmt::Display, future::Future, io, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};

use crate::{Error, terminal::say};

/// What runs while something is shown.
pub trait Stage: Sized {
    type Error: From<Error> + Display;

    /// Says how to reach it, and what to try.
    fn explain(&self);

    /// Stops everything and removes every trace of it.
    fn clear(self) -> impl Future<Output = Result<(), Self::Error>>;
}

/// What came of it, and what is then still running.
pub type Played<S> = Result<(S, Result<(), <S as Stage>::Error>), <S as Stage>::Error>;

/// Shows it to its end; with `keep`, leaves it running until Ctrl-C. `what` is shown, in the words for people.
///
/// # Errors
/// What went wrong, which matters more than what goes wrong at the end; or that it was interrupted.
pub async fn show<S: Stage>(
    what: &str,
    play: impl Future<Output = Played<S>>,
    keep: bool,
) -> Result<(), S::Error> {
    tokio::select! {
        played = play => {
            let (stage, result) = played?;
            finish(what, stage, result, keep).await
        }
        result = interrupted() => Err(result.map_or_else(Error::Signal, |()| Error::Interrupted).into()),
    }
}

/// The exit status, and on the terminal why it is one of failure.
pub fn verdict(what: &str, result: Result<(), impl Display>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    say(format!("\n{what} failed: {error}"));
    ExitCode::FAILURE
}

async fn finish<S: Stage>(
    what: &str,
    stage: S,
    result: Result<(), S::Error>,
    keep: bool,
) -> Result<(), S::Error> {
    if keep {
        if let Err(error) = &result {
            say(format!("\n{what} failed: {error}"));
        }
        stage.explain();
        say("\nCtrl-C here ends it and removes everything.");
        interrupted().await.map_err(Error::Signal)?;
        say("\nStopping, and removing everything.");
    }
    result.and(stage.clear().await)
}

/// Ctrl-C, or being told to end.
async fn interrupted() -> io::Result<()> {
    let (mut interrupt, mut terminate, mut hangup) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
