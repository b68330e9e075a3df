//! What is read and written of accounts.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{NAME, Store, StoreError, bounded, requests};
use crate::api::{ACCOUNT_FINALIZER, Seen, VobizAccount, VobizAccountStatus};

impl Store {
    /// Reads an account live.
    pub async fn get_account(&self, name: &str) -> Result<Option<Seen<VobizAccount>>, StoreError> {
        self.get(None, name).await
    }

    /// Reads the labels of a namespace live.
    pub async fn get_labels(&self, namespace: &str) -> Result<Option<BTreeMap<String, String>>, StoreError> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let read = bounded(api.get_metadata_opt(namespace)).await?;
        Ok(read.map(|namespace| namespace.metadata.labels.unwrap_or_default()))
    }

    /// Writes what an account is told.
    pub async fn patch_account_status(
        &self,
        account: &VobizAccount,
        status: &VobizAccountStatus,
    ) -> Result<(), StoreError> {
        self.tell::<VobizAccount>(&account.metadata, &json!(account.status), json!(status)).await
    }

    /// Holds the deletion of an account back, or lets it go through: in the version that was read, and in no other.
    pub async fn hold_account(&self, account: &VobizAccount, held: bool) -> Result<(), StoreError> {
        let mut finalizers = account.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != ACCOUNT_FINALIZER);
        finalizers.extend(held.then(|| ACCOUNT_FINALIZER.to_owned()));
        let version = account.resource_version();
        let patch = json!({ "metadata": { "resourceVersion": version, "finalizers": finalizers } });
        let params = PatchParams { field_manager: Some(NAME.into()), ..PatchParams::default() };
        let requests = requests::<VobizAccount>(None);
        self.perform(requests.patch(&account.name_any(), &params, &Patch::Merge(patch))).await
    }
}
