//! Which namespaces are served.

use clap::Args;

use super::values::named;

// No comment for `--help`: it would replace those of the commands.
// The variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Namespaces to watch, separated by commas [default: all]
    #[arg(long, env, value_name = "NAMES", value_delimiter = ',', help_heading = "Controller")]
    pub watch_namespaces: Vec<String>,
}

impl WatchArgs {
    /// The namespaces whose claims are served. None are named: all.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        self.watch_namespaces.iter().filter_map(|name| named(Some(name.clone()))).collect()
    }
}
