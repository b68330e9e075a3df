//! Reads what a command is about from the API server: claims, records and accounts, page by page and without watches. It
//! writes nothing but annotations of claims.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, ObjectMeta, Patch, PatchParams},
    core::response::reason,
};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    console::{note, reading},
    error::CommandError,
};
use crate::{
    api::{Kept, PhoneNumber, PhoneNumberClaim, Seen, VobizAccount},
    cli::TimesArgs,
    clock::Peers,
    cluster,
    domain::E164,
    plan::Timeouts,
};

/// Objects that are asked for at a time.
const PAGE: u32 = 500;

/// A list that is older than the API server keeps it is begun anew so often.
const RESTARTS: usize = 3;

/// So many names are said of objects that cannot be read.
const NAMED: usize = 5;

/// What marks this program's writes.
const WRITER: &str = "kubectl-vobiz";

/// How long purchases take.
pub fn timeouts(times: &TimesArgs) -> Timeouts {
    Timeouts { purchase_timeout: times.vobiz_purchase_timeout.0, settle: times.vobiz_settle_time.0 }
}

/// What the API server holds.
pub struct Objects {
    client: Client,
    /// The namespace that kubectl would use.
    namespace: String,
}

impl Objects {
    pub async fn connect(peers: Arc<Peers>) -> Result<Self, CommandError> {
        let (client, namespace) = cluster::client(peers).await?;
        Ok(Self { client, namespace })
    }

    /// The namespace that is meant.
    pub fn namespace<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        named.unwrap_or(&self.namespace)
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub async fn claims(&self) -> Result<Vec<Seen<PhoneNumberClaim>>, CommandError> {
        reading("the claims", list(&Api::all(self.client.clone()))).await
    }

    /// The claims of a namespace.
    pub async fn claims_in(&self, namespace: &str) -> Result<Vec<Seen<PhoneNumberClaim>>, CommandError> {
        reading("the claims", list(&self.claims_of(namespace))).await
    }

    pub async fn records(&self) -> Result<Vec<Seen<PhoneNumber>>, CommandError> {
        reading("the records", list(&Api::all(self.client.clone()))).await
    }

    pub async fn declared(&self) -> Result<Vec<Seen<VobizAccount>>, CommandError> {
        reading("the VobizAccounts", list(&Api::all(self.client.clone()))).await
    }

    /// The accounts that are declared. Older definitions do not know the kind: then there are none.
    pub async fn accounts(&self) -> Result<Vec<Seen<VobizAccount>>, CommandError> {
        match self.declared().await {
            Err(CommandError::ApiServer(kube::Error::Api(status))) if status.code == 404 => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// The labels of a namespace. One that is not there yet has none.
    pub async fn labels(&self, namespace: &str) -> Result<BTreeMap<String, String>, CommandError> {
        let api = Api::<Namespace>::all(self.client.clone());
        match reading("the namespaces", api.get_metadata_opt(namespace)).await {
            Ok(found) => Ok(found.and_then(|found| found.metadata.labels).unwrap_or_default()),
            Err(kube::Error::Api(status)) if status.code == 403 => Err(CommandError::Refused(format!(
                "a VobizAccount chooses namespaces by their labels, and those of {namespace} cannot be read (403): ask for a \
                 role that may get namespaces"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn record(&self, number: E164) -> Result<Option<Seen<PhoneNumber>>, CommandError> {
        let api: Api<Seen<PhoneNumber>> = Api::all(self.client.clone());
        found(reading("the record", api.get(&number.digits())).await)
    }

    fn claims_of(&self, namespace: &str) -> Api<Seen<PhoneNumberClaim>> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub async fn find_claim(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Seen<PhoneNumberClaim>>, CommandError> {
        found(reading("the claim", self.claims_of(namespace).get(name)).await)
    }

    /// A claim that must be there, and readable.
    pub async fn claim(&self, namespace: &str, name: &str) -> Result<Arc<PhoneNumberClaim>, CommandError> {
        match self.find_claim(namespace, name).await? {
            Some(Seen::Read(claim)) => Ok(claim),
            Some(Seen::Newer(claim)) => Err(CommandError::Refused(format!(
                "the claim {namespace}/{name} was written by a newer version ({}): use the program of that version",
                claim.why
            ))),
            None => Err(CommandError::Refused(format!(
                "there is no claim {name} in the namespace {namespace}: see kubectl get pnc -n {namespace}, or name another \
                 namespace with -n"
            ))),
        }
    }

    /// Sets an annotation of a claim, or removes it: of this very claim, and not of one that has taken its name. With a
    /// version, of the claim as it was then.
    pub async fn annotate(
        &self,
        claim: &PhoneNumberClaim,
        annotation: &str,
        value: Option<&str>,
        version: Option<&str>,
    ) -> Result<(), CommandError> {
        let metadata = ObjectMeta {
            uid: claim.metadata.uid.clone(),
            resource_version: version.map(ToOwned::to_owned),
            ..ObjectMeta::default()
        };
        let mut patch = json!({ "metadata": metadata });
        patch["metadata"]["annotations"] = json!({ annotation: value });
        let patch = Patch::Merge(patch);
        let params = PatchParams { field_manager: Some(WRITER.into()), ..PatchParams::default() };
        let claims = self.claims_of(&claim.namespace().unwrap_or_default());
        match claims.patch_metadata(&claim.name_any(), &params, &patch).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Err(changed(claim)),
            answer => Ok(answer.map(drop)?),
        }
    }
}

/// What was asked for by its name, if it is there. An API server that does not know the kind answers 404 as well, but not in
/// the words for an object.
fn found<K>(answer: kube::Result<K>) -> Result<Option<K>, CommandError> {
    match answer {
        Err(kube::Error::Api(status)) if status.reason == reason::NOT_FOUND => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

/// The claim is not any more as it was read.
pub fn changed(claim: &PhoneNumberClaim) -> CommandError {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    CommandError::Refused(format!(
        "the claim {namespace}/{name} or its record has changed meanwhile, and nothing was done: see kubectl get pnc -n \
         {namespace} {name}, and type it again"
    ))
}

/// All objects of a kind.
async fn list<K>(api: &Api<Seen<K>>) -> Result<Vec<Seen<K>>, CommandError>
where
    K: Kept,
    Seen<K>: DeserializeOwned + Debug,
{
    let (mut found, mut params, mut restarts) = (Vec::new(), ListParams::default().limit(PAGE), 0);
    loop {
        match api.list(&params).await {
            Ok(page) => {
                found.extend(page.items);
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => params = params.continue_token(&token),
                    None => return Ok(found),
                }
            }
            Err(kube::Error::Api(status)) if status.code == 410 && restarts < RESTARTS => {
                (found, params, restarts) = (Vec::new(), ListParams::default().limit(PAGE), restarts + 1);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Says which objects this version cannot read, and what that means for the result.
pub fn tell_newer<K: Kept>(objects: &[Seen<K>], meaning: &str) {
    let newer: Vec<_> = objects.iter().filter(|object| object.is_newer()).collect();
    if newer.is_empty() {
        return;
    }
    let names = few(newer.into_iter().map(name));
    note(format_args!("Written by a newer version, so {meaning}: {} {names}", K::kind(&())));
}

/// The first of the names, and how many more there are.
pub fn few(names: impl IntoIterator<Item = String>) -> String {
    let mut names: Vec<_> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    names.extend((more > 0).then(|| format!("and {more} more")));
    names.join(", ")
}

fn name<K: Kept>(object: &Seen<K>) -> String {
    let name = object.name_any();
    object.namespace().map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"))
}
