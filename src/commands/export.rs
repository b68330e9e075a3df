//! `export`: a claim for each number that the account owns, which adopts it wherever it is applied and can never buy it.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::Serialize;

use super::{
    accounts::connect,
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
    let (objects, mut accounts) = connect(&args.account).await?;
    let account = accounts.one()?;
    let standing = gather(&objects, &mut accounts, &account, which).await?;
    let reference = accounts.known.reference(&account);
    if let (None, Some(default)) = (reference, accounts.known.default_beside(&account)) {
        note(format_args!(
            "VobizAccount {default} serves the claims that name none, so these do not adopt what {account} owns: declare a \
             VobizAccount for it first."
        ));
    }
    let named = Named { account: &account, reference, namespace: args.namespace.as_deref() };
    print(&manifests(&standing.numbers, named)?)
}

/// What the claims name.
#[derive(Clone, Copy)]
struct Named<'a> {
    account: &'a AccountId,
    /// Its object, where claims have to name one.
    reference: Option<&'a str>,
    namespace: Option<&'a str>,
}

/// A claim, as it is written: its fields in this order, so that another export has the same bytes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    e164: E164,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_ref: Option<AccountRef<'a>>,
    /// Nothing is bought for it, regardless of the cluster that it comes to.
    acquire: &'static str,
    deletion_policy: &'static str,
}

#[derive(Serialize)]
struct AccountRef<'a> {
    name: &'a str,
}

/// One document for each number, in the order of the numbers.
fn manifests(numbers: &[OwnedNumber], named: Named<'_>) -> Result<String, CommandError> {
    let Named { account, reference, namespace } = named;
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
            spec: Spec {
                e164,
                account_ref: reference.map(|name| AccountRef { name }),
                acquire: "AdoptOnly",
                deletion_policy: "Retain",
            },
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

    fn exported(reference: Option<&str>, namespace: Option<&str>) -> String {
        let mut other = row("+911234500001", &json!({ "id": "n3" }));
        other.owner = "SA_2".parse().ok();
        let rows = vec![
            row("+911234500002", &json!({})),
            other,
            row("+12025550123", &json!({ "id": "n1" })),
            row("+12025550123", &json!({ "id": "n2" })),
        ];
        let numbers = standing(rows, &[], &[], Which::All).numbers;
        let named = Named { account: &"MA_1".parse().unwrap(), reference, namespace };
        manifests(&numbers, named).unwrap()
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
        assert_eq!(exported(None, None), expected);
    }

    #[test]
    fn the_namespace_and_the_account_are_written_into_each_claim() {
        let exported = exported(Some("red"), Some("team-a"));
        assert_eq!(exported.matches("\n  namespace: team-a\n").count(), 3);
        assert_eq!(exported.matches("\n  accountRef:\n    name: red\n  acquire: AdoptOnly\n").count(), 3);
    }
}
