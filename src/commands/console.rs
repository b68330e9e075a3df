//! Where a command speaks: results on standard output, all else on standard error.

use std::{
    fmt::Display,
    future::Future,
    io::{self, BufRead, IsTerminal, Write},
    pin::pin,
    time::Duration,
};

use super::error::CommandError;

/// A read that takes longer is spoken of.
const SLOW: Duration = Duration::from_secs(1);

/// Writes a result, without its colours where they are not wanted. A reader that has seen enough of it is no error.
pub fn print(text: &str) -> Result<(), CommandError> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Says something that is no part of the result. That it cannot be said stops nothing.
pub fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Waits for a read, and says what it is if it takes long.
pub async fn reading<T>(what: &str, read: impl Future<Output = T>) -> T {
    let mut read = pin!(read);
    if let Ok(read) = tokio::time::timeout(SLOW, &mut read).await {
        return read;
    }
    note(format_args!("Reading {what} …"));
    read.await
}

/// Asks whether to go on.
pub fn confirm() -> Result<bool, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::Refused(
            "nothing was done, because standard input is no terminal to ask at: add --yes to go on".into(),
        ));
    }
    let mut stderr = anstream::stderr();
    write!(stderr, "Go on? Type yes: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
