//! The arguments that every command takes which reads Vobiz: whose account, where, and how fast.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::values::file;
use crate::{
    domain::Rate,
    vobiz::{CredentialsError, CredentialsSource, Settings, Source},
};

// No comment for `--help`: it would replace those of the commands.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct VobizArgs {
    /// Auth id of the Vobiz account (MA_… or SA_…)
    #[arg(long, env, value_name = "ID", help_heading = "Vobiz")]
    pub vobiz_auth_id: Option<String>,

    /// File that holds the auth id, instead of VOBIZ_AUTH_ID
    #[arg(long, env, value_name = "FILE", help_heading = "Vobiz")]
    pub vobiz_auth_id_file: Option<String>,

    /// Auth token of the account. Prefer the variable or the file: arguments are visible in process lists
    #[arg(long, env, value_name = "TOKEN", hide_env_values = true, help_heading = "Vobiz")]
    pub vobiz_auth_token: Option<SecretString>,

    /// File that holds the auth token, instead of VOBIZ_AUTH_TOKEN; read again when it changes and after each 401
    #[arg(long, env, value_name = "FILE", help_heading = "Vobiz")]
    pub vobiz_auth_token_file: Option<String>,

    /// Base URL of the API: https, or http to a loopback host
    #[arg(
        long,
        env,
        value_name = "URL",
        hide_env_values = true,
        default_value = "https://api.vobiz.ai",
        help_heading = "Vobiz"
    )]
    pub vobiz_api_url: String,

    /// PEM file with further root certificates to trust for Vobiz
    #[arg(long, env, value_name = "FILE", help_heading = "Vobiz")]
    pub vobiz_ca_file: Option<String>,

    /// Calls a second to Vobiz, and optionally the burst (default: twice as many): 20 or 20/40
    #[arg(long, env, value_name = "RATE[/BURST]", default_value = "20", help_heading = "Vobiz")]
    pub vobiz_rate_limit: Rate,
}

impl VobizArgs {
    /// Where the account id and the token are read from.
    ///
    /// # Errors
    /// If one of them is named nowhere, or twice.
    pub fn source(&self) -> Result<CredentialsSource, CredentialsError> {
        let token = self.vobiz_auth_token.as_ref().map(ExposeSecret::expose_secret);
        let (id_file, token_file) = (self.vobiz_auth_id_file.clone(), self.vobiz_auth_token_file.clone());
        Ok(CredentialsSource {
            auth_id: Source::choose("VOBIZ_AUTH_ID", self.vobiz_auth_id.as_deref(), file(id_file))?,
            auth_token: Source::choose("VOBIZ_AUTH_TOKEN", token, file(token_file))?,
        })
    }

    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            url: self.vobiz_api_url.clone(),
            ca_file: file(self.vobiz_ca_file.clone()),
            rate: self.vobiz_rate_limit.per_second,
            burst: self.vobiz_rate_limit.burst,
        }
    }
}
