//! Runs a command beside the builds, and shows how far cargo is in it.

use std::{
    ffi::OsString,
    io::IsTerminal,
    pin::pin,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use control_plane::Building;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

use crate::shown::Shown;

/// How often the line is rewritten.
const TICK: Duration = Duration::from_secs(1);

/// Runs it to its end; what it prints goes above the line that is rewritten.
pub(crate) async fn run(words: &[OsString], shown: &Shown) -> std::io::Result<ExitStatus> {
    let Some((program, arguments)) = words.split_first() else { return Ok(ExitStatus::default()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Cargo tells how far it is, although what reads it is no terminal.
    command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100");
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.kill_on_drop(true).spawn()?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let begun = Instant::now();
    let ended = async { tokio::join!(pass(output, shown, begun), pass(errors, shown, begun), child.wait()) };
    let mut ended = pin!(ended);
    loop {
        tokio::select! {
            (output, errors, status) = &mut ended => return output.and(errors).and(status),
            () = tokio::time::sleep(TICK) => shown.tick(),
        }
    }
}

/// Passes on what is printed, line by line.
async fn pass(stream: Option<impl AsyncRead + Unpin>, shown: &Shown, begun: Instant) -> std::io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    let (mut buffer, mut text) = (vec![0; 8192], Vec::new());
    loop {
        let length = stream.read(&mut buffer).await?;
        text.extend_from_slice(&buffer[..length]);
        while let Some(end) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let line: Vec<u8> = text.drain(..=end).collect();
            one(&String::from_utf8_lossy(&line), shown, begun);
        }
        if length == 0 {
            one(&format!("{}\n", String::from_utf8_lossy(&text)), shown, begun);
            return Ok(());
        }
    }
}

fn one(line: &str, shown: &Shown, begun: Instant) {
    if let Some((done, total)) = crates(line) {
        let building = Building { title: "crates", done, total: Some(total), so_far: begun.elapsed() };
        return shown.building(building);
    }
    // What ends without a line is about to be rewritten.
    let Some(line) = line.strip_suffix('\n') else { return };
    let line = line.trim_start_matches("\x1b[K").trim_end();
    if !line.is_empty() {
        shown.say(line);
    }
}

/// How many crates are done, and of how many, as cargo's bar says.
fn crates(line: &str) -> Option<(usize, usize)> {
    let (_, rest) = line.split_once("Building")?;
    let (_, rest) = rest.split_once("] ")?;
    let (done, rest) = rest.split_once('/')?;
    let (total, _) = rest.split_once(|next: char| !next.is_ascii_digit())?;
    Some((done.trim().parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_of_cargo_is_read_and_nothing_else_is_taken_for_it() {
        for (line, expected) in [
            ("    Building [====>       ] 13/244: serde, tokio\r", Some((13, 244))),
            ("\x1b[1m\x1b[36m    Building\x1b[0m [=>  ] 3/10: x(bin)\r", Some((3, 10))),
            ("   Compiling serde v1.0.0\n", None),
            ("Building the image [1] now\n", None),
        ] {
            assert_eq!(crates(line), expected, "{line:?}");
        }
    }
}
