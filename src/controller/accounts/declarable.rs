//! Whether accounts can be declared, by what the API server answers to who lists them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::{Client, CustomResourceExt, Resource};

use crate::{api::VobizAccount, controller::kinds};

/// Whether there can be accounts.
#[derive(Debug, PartialEq, Eq)]
pub enum Declarable {
    /// They can be listed.
    Listed,
    /// The API server does not know the kind: there are none.
    NotServed,
    /// There may be some, and why they cannot be listed.
    Unknown(String),
}

pub async fn look(kube: &Client) -> Declarable {
    let refused = match kinds::list::<VobizAccount>(kube, None).await {
        Err(kube::Error::Api(status)) if status.code == 403 => status.message,
        listed => return by_list(listed),
    };
    // A kind that is not served is refused as well, to those who have no right to it.
    by_discovery(&refused, kube.list_api_group_resources(&VobizAccount::api_version(&())).await)
}

fn by_list(listed: Result<(), kube::Error>) -> Declarable {
    match listed {
        Ok(()) => Declarable::Listed,
        Err(kube::Error::Api(status)) if status.code == 404 => Declarable::NotServed,
        Err(error) => Declarable::Unknown(unlisted("trying on", &error.to_string())),
    }
}

fn by_discovery(refused: &str, served: Result<APIResourceList, kube::Error>) -> Declarable {
    let is_account = |plural: &str| plural == VobizAccount::plural(&());
    match served {
        Ok(served) if !served.resources.iter().any(|one| is_account(&one.name)) => Declarable::NotServed,
        Err(kube::Error::Api(status)) if status.code == 404 => Declarable::NotServed,
        _ => Declarable::Unknown(self::refused(refused)),
    }
}

/// In words, where the operator has no right to list them.
pub fn refused(why: &str) -> String {
    unlisted("give the operator's role the rights to get, list, watch and patch them", why)
}

fn unlisted(advice: &str, why: &str) -> String {
    let kind = VobizAccount::crd_name();
    format!(
        "{kind} cannot be listed, so nothing is bought, as an account that is declared may serve; {advice}: {why}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16) -> kube::Error {
        kube::Error::Api(Box::new(kube::core::Status {
            code,
            message: "no right".into(),
            ..kube::core::Status::default()
        }))
    }

    #[test]
    fn only_where_the_kind_is_not_served_there_are_no_accounts() {
        let served = |plurals: &[&str]| {
            let resources = plurals.iter().map(|name| {
                serde_json::json!({ "name": name, "singularName": "",
                "namespaced": false, "kind": "", "verbs": [] })
            });
            let resources: Vec<_> = resources.collect();
            let list = serde_json::json!({ "groupVersion": "", "resources": resources });
            serde_json::from_value::<APIResourceList>(list).unwrap()
        };
        for (found, expected) in [
            (by_list(Ok(())), "Listed"),
            (by_list(Err(api(404))), "NotServed"),
            (by_list(Err(api(500))), "Unknown"),
            (by_list(Err(kube::Error::Service("refused".into()))), "Unknown"),
            (by_discovery("no right", Err(api(404))), "NotServed"),
            (by_discovery("no right", Ok(served(&["phonenumbers"]))), "NotServed"),
            (by_discovery("no right", Ok(served(&["phonenumbers", "vobizaccounts"]))), "Unknown"),
            (by_discovery("no right", Ok(served(&["vobizaccounts/status"]))), "NotServed"),
            (by_discovery("no right", Err(api(403))), "Unknown"),
            (by_discovery("no right", Err(api(503))), "Unknown"),
        ] {
            assert!(format!("{found:?}").starts_with(expected), "{found:?} {expected}");
            if let Declarable::Unknown(why) = found {
                assert!(why.starts_with("vobizaccounts.telephony.vobiz.ai cannot be listed"), "{why}");
            }
        }
    }
}
