//! `plan`: what applying manifests would do, decided as the operator decides, and not done.

mod applied;
mod files;
mod funds;
mod gathered;
mod manifest;
mod node;
mod price;
mod rules;
mod summary;
#[cfg(test)]
mod tests;
mod verdict;
mod written;

use std::{collections::HashMap, process::ExitCode, sync::Arc};

use kube::ResourceExt;

use self::{
    manifest::{Manifest, Namespaces},
    rules::Rules,
    summary::Plan,
    verdict::Action,
};
use super::{
    accounts::{Accounts, connect, of_flags},
    console::{note, print},
    error::CommandError,
    gather::{Objects, timeouts},
};
use crate::cli::{PlanArgs, PlanFormat};

/// The namespace of manifests that name none, where there is no kubeconfig to say it.
const NAMESPACE: &str = "default";

/// What it ends with where something would be bought, or is blocked.
const BUYS: u8 = 2;
const BLOCKED: u8 = 3;

pub async fn run(args: &PlanArgs) -> Result<ExitCode, CommandError> {
    let files = files::read(&args.filename)?;
    let (objects, mut accounts) = connected(args).await?;
    let named = args.namespace.as_deref();
    let default =
        objects.as_ref().map_or_else(|| named.unwrap_or(NAMESPACE), |objects| objects.namespace(named));
    let rules = Rules::new()?;
    let manifests = read(&files, &Namespaces { default, only: named.is_some() }, &rules)?;
    if manifests.is_empty() {
        let place = if args.filename == "-" { files::STDIN } else { &args.filename };
        note(format_args!("There is no PhoneNumberClaim in {place}."));
    }
    let times = timeouts(&args.times);
    let plan = gathered::plan(&manifests, objects.as_ref(), &mut accounts, &rules, times).await?;
    print(&match args.output {
        PlanFormat::Table => written::as_table(&plan),
        PlanFormat::Json => serde_json::to_string_pretty(&plan).map_err(CommandError::text)? + "\n",
        PlanFormat::Markdown => written::as_markdown(&plan),
    })?;
    Ok(ExitCode::from(ends_with(&plan, args)))
}

/// What the cluster holds, unless none is to be read, and the accounts.
async fn connected(args: &PlanArgs) -> Result<(Option<Objects>, Accounts<'_>), CommandError> {
    if !args.offline {
        let (objects, accounts) = connect(&args.account).await?;
        return Ok((Some(objects), accounts));
    }
    let flags = of_flags(&args.account.vobiz)?;
    Ok((None, Accounts::of(&args.account, None, Vec::new(), flags, Arc::default())?))
}

fn read(
    files: &[files::File],
    namespaces: &Namespaces<'_>,
    rules: &Rules,
) -> Result<Vec<Manifest>, CommandError> {
    let mut manifests = Vec::new();
    for file in files {
        manifests.extend(manifest::claims(file, namespaces, rules)?);
    }
    let mut seen = HashMap::new();
    for manifest in &manifests {
        if let Some(other) = seen.insert((manifest.claim.namespace(), manifest.claim.name_any()), manifest) {
            return Err(manifest.twice(other));
        }
    }
    Ok(manifests)
}

fn ends_with(plan: &Plan, args: &PlanArgs) -> u8 {
    let met = plan.meets(&args.fail_on);
    if !met.is_empty() {
        note(format_args!("Not allowed by --fail-on: {}.", met.join("; ")));
    }
    if !met.is_empty() || plan.count(Action::Blocked) > 0 {
        BLOCKED
    } else if args.detailed_exitcode && plan.count(Action::Buy) > 0 {
        BUYS
    } else {
        0
    }
}
