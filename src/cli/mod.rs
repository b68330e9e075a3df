//! Arguments, those of configuration with an environment twin each. The names are the public contract.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

mod account;
mod claim;
mod doctor;
mod export;
mod owned;
mod place;
mod plan;
mod run;
mod times;
mod values;
mod vobiz;
mod watch;

use std::{ffi::OsString, path::Path};

use clap::{Parser, Subcommand};

pub use account::AccountArgs;
pub use claim::{ClaimArgs, RetryArgs, WhyArgs};
pub use doctor::{DoctorArgs, DoctorFormat};
pub use export::ExportArgs;
pub use owned::{OwnedArgs, OwnedFormat};
pub use place::PlaceArgs;
pub use plan::{FailOn, PlanArgs, PlanFormat};
pub use run::RunArgs;
pub use times::TimesArgs;
pub use values::named;
pub use vobiz::VobizArgs;
pub use watch::WatchArgs;

/// Buys phone numbers from Vobiz, declaratively and exactly once.
#[derive(Debug, Parser)]
#[command(name = "vobiz-operator", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Write without colours, on a terminal too. The variable NO_COLOR says the same
    #[arg(long, global = true)]
    pub no_color: bool,

    /// What people call the program by. What it complains of begins with it.
    #[arg(skip = "vobiz-operator")]
    pub name: &'static str,
}

/// Shows what Vobiz has for your claims, and why they wait.
#[derive(Debug, Parser)]
#[command(name = PLUGIN, bin_name = "kubectl vobiz", version, about, propagate_version = true)]
struct Plugin {
    #[command(subcommand)]
    command: Tool,

    /// Write without colours, on a terminal too. The variable NO_COLOR says the same
    #[arg(long, global = true)]
    no_color: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller: watches PhoneNumberClaims and buys each number once.
    ///
    /// The cluster is found as kubectl finds it: KUBECONFIG, ~/.kube/config, then the pod's service account.
    Run(Box<RunArgs>),
    /// Print the custom resource definitions, for `kubectl apply -f -`.
    Crd,
    #[command(flatten)]
    Tool(Tool),
}

/// What people ask for. None of it can buy.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Say what applying manifests would do and cost, without doing it.
    Plan(Box<PlanArgs>),
    /// List the numbers that an account owns: their claims, and what they cost a month.
    Owned(Box<OwnedArgs>),
    /// Write a claim for each number that an account owns. It adopts the number and can never buy one.
    Export(Box<ExportArgs>),
    /// Say what stands between a claim and its number, check by check.
    Why(Box<WhyArgs>),
    /// Look for what is wrong with the cluster, the accounts and the way to them. It changes nothing.
    Doctor(Box<DoctorArgs>),
    /// Permit one more attempt for a claim whose last one has failed. This may spend money.
    Retry(RetryArgs),
    /// Have no new attempt made for a claim. What was sent before is still verified.
    Pause(ClaimArgs),
    /// Take a pause back.
    Resume(ClaimArgs),
}

/// The name under which kubectl finds the program, for `kubectl vobiz …`.
const PLUGIN: &str = "kubectl-vobiz";

/// Reads the arguments, of which the first is the name that the program was called by.
///
/// # Errors
/// If they are not understood, or ask for help or the version alone.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.first().and_then(|name| Path::new(name).file_stem()).is_some_and(|name| name == PLUGIN) {
        let Plugin { command, no_color } = Plugin::try_parse_from(arguments)?;
        return Ok(Cli { command: Command::Tool(command), no_color, name: "kubectl vobiz" });
    }
    Cli::try_parse_from(arguments)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
        Plugin::command().debug_assert();
    }

    #[test]
    fn the_documentation_has_every_flag_with_its_variable_and_default() {
        let page = include_str!("../../docs/configuration.md");
        let documented: Vec<_> = page.lines().filter(|line| line.contains("` | `--")).collect();
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        let arguments: Vec<_> = run.get_arguments().filter(|argument| argument.get_env().is_some()).collect();
        assert_eq!(documented.len(), arguments.len());
        for argument in arguments {
            let variable = argument.get_env().unwrap().display();
            let default = argument.get_default_values().first();
            let default = default.map(|default| format!("`{}` | ", default.display())).unwrap_or_default();
            let row = format!("| `{variable}` | `--{}` | {default}", argument.get_long().unwrap());
            assert!(documented.iter().any(|line| line.starts_with(&row)), "{row} is missing");
        }
    }

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split(' ').map(Into::into))
    }

    #[test]
    fn kubectls_plugin_has_the_tools_and_does_not_run_the_controller() {
        for (line, name) in [
            ("/bin/kubectl-vobiz owned", "kubectl vobiz"),
            ("vobiz-operator owned", "vobiz-operator"),
            ("kubectl-vobiz owned --no-color", "kubectl vobiz"),
        ] {
            let cli = parsed(line).unwrap();
            assert!(matches!(cli.command, Command::Tool(Tool::Owned(_))) && cli.name == name, "{line}");
        }
        let error = parsed("kubectl-vobiz run").unwrap_err().to_string();
        assert!(error.contains("kubectl vobiz"), "{error}");
        assert!(parsed("vobiz-operator run").is_ok());
    }

    #[test]
    fn output_and_namespace_mean_the_same_everywhere() {
        let page = include_str!("../../docs/cli.md");
        for command in Plugin::command().get_subcommands() {
            let name = command.get_name();
            assert!(page.contains(&format!("kubectl vobiz {name}")), "docs/cli.md does not show {name}");
            for argument in command.get_arguments() {
                let (id, short) = (argument.get_id().as_str(), argument.get_short());
                assert_eq!(id == "output", short == Some('o'), "{name} {id}");
                assert_eq!(id == "namespace", short == Some('n'), "{name} {id}");
            }
        }
    }

    #[test]
    fn numbers_are_either_all_unclaimed_or_unrecorded() {
        assert!(parsed("kubectl-vobiz owned --unclaimed --unrecorded").is_err());
        assert!(parsed("kubectl-vobiz owned -o yaml").is_err());
        assert!(parsed("kubectl-vobiz owned -o csv --unclaimed").is_ok());
    }
}
