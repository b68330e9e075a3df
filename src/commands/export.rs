//! `export`: a claim for each number that the account owns, which adopts it wherever it is applied and can never buy it.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::Serialize;

use super::{
    console::{note, print},
    error::CommandError,
    owned::gather,
    standing::{OwnedNumber, Which},
};
use crate::{
    cli::ExportArgs,
    domain::{AccountId, E164},
};

pub async fn run(args: &ExportArgs) -> Result<(), CommandError> {
    let which = if args.unrecorded { Which::Unrecorded } else { Which::All };
    let (account, standing) = gather(&args.vobiz, which).await?;
    if standing.numbers.is_empty() {
        note(format_args!("Vobiz lists no such numbers for {account}."));
    }
    print(&manifests(&standing.numbers, args.namespace.as_deref(), &account)?)
}

/// A claim, as it is written: its fields in this order, so that another export has the same bytes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    e164: E164,
    /// Nothing is bought for it, regardless of the cluster that it comes to.
    acquire: &'static str,
    deletion_policy: &'static str,
}

/// One document for each number, in the order of the numbers.
fn manifests(
    numbers: &[OwnedNumber],
    namespace: Option<&str>,
    account: &AccountId,
) -> Result<String, CommandError> {
    let mut text = String::new();
    // Two rows may be about one number, which one claim serves.
    for same in numbers.chunk_by(|a, b| a.e164 == b.e164) {
        let e164 = same[0].e164;
        text.push_str("---\n");
        let owners = same.iter().filter_map(|number| number.row.owner.as_ref());
        let others: BTreeSet<_> = owners.filter(|owner| *owner != account).map(ToString::to_string).collect();
        for owner in others {
            writeln!(text, "# Vobiz lists it under the account {owner}, which is of the same family.")
                .map_err(CommandError::text)?;
        }
        let manifest = Manifest {
            api_version: "telephony.vobiz.ai/v1alpha1",
            kind: "PhoneNumberClaim",
            metadata: Metadata { name: format!("pn-{}", e164.digits()), namespace },
            spec: Spec { e164, acquire: "AdoptOnly", deletion_policy: "Retain" },
        };
        text.push_str(&serde_yaml::to_string(&manifest).map_err(CommandError::text)?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::standing::{for_tests::row, standing},
        *,
    };

    fn exported(namespace: Option<&str>) -> String {
        let mut other = row("+911234500001", &json!({ "id": "n3" }));
        other.owner = "SA_2".parse().ok();
        let rows = vec![
            row("+911234500002", &json!({})),
            other,
            row("+12025550123", &json!({ "id": "n1" })),
            row("+12025550123", &json!({ "id": "n2" })),
        ];
        let numbers = standing(rows, &[], &[], Which::All).numbers;
        manifests(&numbers, namespace, &"MA_1".parse().unwrap()).unwrap()
    }

    #[test]
    fn each_number_is_one_claim_that_can_buy_nothing() {
        let expected = r#"---
apiVersion: telephony.vobiz.ai/v1alpha1
kind: PhoneNumberClaim
metadata:
  name: pn-12025550123
spec:
  e164: "+12025550123"
  acquire: AdoptOnly
  deletionPolicy: Retain
---
# Vobiz lists it under the account SA_2, which is of the same family.
apiVersion: telephony.vobiz.ai/v1alpha1
kind: PhoneNumberClaim
metadata:
  name: pn-911234500001
spec:
  e164: "+911234500001"
  acquire: AdoptOnly
  deletionPolicy: Retain
---
apiVersion: telephony.vobiz.ai/v1alpha1
kind: PhoneNumberClaim
metadata:
  name: pn-911234500002
spec:
  e164: "+911234500002"
  acquire: AdoptOnly
  deletionPolicy: Retain
"#;
        assert_eq!(exported(None), expected);
    }

    #[test]
    fn the_namespace_is_written_into_each_claim() {
        assert_eq!(exported(Some("team-a")).matches("\n  namespace: team-a\n").count(), 3);
    }
}
