//! Throws hostile input at every reader of Vobiz's answers, for as many inputs as are asked for, and says what came out.
//! An input follows from the seed and its index, so every failure can be had again. Not optimised, because then every
//! overflow is checked; it is fast enough.

mod bytes;
mod documents;
mod inputs;
mod node;
mod oracle;
mod report;
mod run;
mod targets;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
struct Args {
    /// Where the inputs come from; another one each time unless given
    #[arg(long)]
    seed: Option<u64>,
    /// How many
    #[arg(long, default_value = "2000000")]
    inputs: u64,
    /// Only this one, which is shown
    #[arg(long)]
    input: Option<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Shorter than a random 64-bit number, so that it can be typed.
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    if let Some(index) = args.input {
        return run::one(seed, index);
    }
    println!("seed {seed}, {} inputs; to repeat: make fuzz SEED={seed}", args.inputs);
    match run::all(seed, args.inputs) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use vobiz_operator::vobiz::{
        Balance,
        readers::{Envelope, Masks, PurchaseResponse, ledger_page, numbers_page},
    };

    #[test]
    fn no_reader_panics_hangs_or_finds_an_answer_that_is_not_there() {
        let report = super::run::all(1, 40_000).unwrap();
        assert_eq!(report.inputs(), 40_000);
    }

    /// Deeper than any stack is: what is read and what is skipped, in values kept as text too.
    #[test]
    fn the_depth_of_a_document_costs_no_stack() {
        for (open, close) in
            [("[", "]"), ("{\"error\":", "}"), ("{\"details\":", "}"), ("{\"items\":[", "]}")]
        {
            let depth = 40_000;
            let tree = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for place in ["number", "setup_fee", "error", "items", "x"] {
                for body in [
                    tree.clone(),
                    format!(r#"{{"{place}":{tree}}}"#),
                    format!(r#"{{"number":{{"e164":"+12","{place}":{tree}}},"error":{{"{place}":{tree}}}}}"#),
                    format!(r#"{{"items":[{{"e164":"+12","{place}":{tree}}}]}}"#),
                    format!(r#"{{"transactions":[{{"type":"debit","{place}":{tree}}}]}}"#),
                ] {
                    let body = body.into_bytes();
                    let _ = (Envelope::parse(&body, &Masks::default()), Balance::parse(&body));
                    let _ = (
                        numbers_page(&body, 1, &Masks::default()).is_ok(),
                        ledger_page(&body, 1, &Masks::default()).is_ok(),
                    );
                    let at = "2026-01-02T03:04:05Z".parse().unwrap();
                    let response = PurchaseResponse { status: 200, retry_after: None, body: Ok(body) };
                    drop(response.classify("+12".parse().unwrap(), &Masks::default(), at));
                }
            }
        }
    }
}
