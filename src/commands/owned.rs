//! `owned`: what the account has, which claims stand behind it, and what it costs a month.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    accounts::{Accounts, connect},
    console::{note, print},
    error::CommandError,
    gather::{Objects, tell_newer},
    standing::{Claimed, OwnedNumber, Standing, Which, standing},
    table::{or_dash, table},
};
use crate::{
    cli::{OwnedArgs, OwnedFormat},
    domain::{AccountId, Currency, E164, Money, NumberStatus},
};

/// So many ids are said of rows that are no numbers.
const NAMED: usize = 5;

pub async fn run(args: &OwnedArgs) -> Result<(), CommandError> {
    let which = match (args.unclaimed, args.unrecorded) {
        (true, _) => Which::Unclaimed,
        (_, true) => Which::Unrecorded,
        _ => Which::All,
    };
    let (objects, mut accounts) = connect(&args.account).await?;
    let account = accounts.one()?;
    let standing = gather(&objects, &mut accounts, &account, which).await?;
    print(&match args.output {
        OwnedFormat::Table => as_table(&standing.numbers),
        OwnedFormat::Json => as_json(&standing.numbers)?,
        OwnedFormat::Csv => as_csv(&standing.numbers)?,
    })
}

/// What the account owns, and what stands behind it. What cannot be shown is said.
pub async fn gather(
    objects: &Objects,
    accounts: &mut Accounts<'_>,
    account: &AccountId,
    which: Which,
) -> Result<Standing, CommandError> {
    // Records first: a number that is bought meanwhile is not taken for one without a record, it is not there yet.
    let (records, claims) = (objects.records().await?, objects.claims().await?);
    let rows = accounts.owned(account).await?;
    tell_newer(&records, "taken for recorded, and their claims are not known");
    let standing = standing(rows, &records, &claims, which);
    if !standing.no_numbers.is_empty() {
        let count = standing.no_numbers.len();
        let ids = standing.no_numbers.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        note(format_args!(
            "Left out, because they are not written as phone numbers: {count} of Vobiz's rows, with the ids {ids}{}.",
            if count > NAMED { " and others" } else { "" }
        ));
    }
    if standing.numbers.is_empty() {
        note(format_args!("Vobiz lists no such numbers for {account}."));
    }
    Ok(standing)
}

/// The output of `-o json`: fields are added, and none is changed or taken away within a version of the schema.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u8,
    numbers: Vec<NumberView<'a>>,
    sums: Vec<Sum<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NumberView<'a> {
    e164: E164,
    id: Option<&'a str>,
    status: Option<&'a NumberStatus>,
    owner: Option<&'a AccountId>,
    monthly_fee: Option<Money>,
    setup_fee: Option<Money>,
    currency: Option<Currency>,
    next_billing: Option<String>,
    trial: Option<bool>,
    record: Option<&'a str>,
    claim: Option<ClaimView<'a>>,
}

#[derive(Serialize)]
struct ClaimView<'a> {
    namespace: &'a str,
    name: &'a str,
}

/// What numbers cost a month. Those whose fee or currency Vobiz does not say are counted by themselves, without either.
#[derive(Serialize)]
struct Sum<'a> {
    currency: Option<Currency>,
    namespace: Option<&'a str>,
    monthly: Option<Money>,
    numbers: usize,
}

impl<'a> NumberView<'a> {
    fn of(owned: &'a OwnedNumber) -> Self {
        let (row, number) = (&owned.row, &owned.row.number);
        let claim = match &owned.claim {
            Claimed::By { namespace, name } => Some(ClaimView { namespace, name }),
            Claimed::Nobody | Claimed::Unknown => None,
        };
        Self {
            e164: owned.e164,
            id: number.id.as_deref(),
            status: number.status.as_ref(),
            owner: row.owner.as_ref(),
            monthly_fee: number.monthly_fee,
            setup_fee: number.setup_fee,
            currency: number.currency,
            next_billing: row.next_billing.map(|day| day.to_string()),
            trial: row.is_trial,
            record: owned.record.as_deref(),
            claim,
        }
    }

    fn claim(&self) -> Option<String> {
        self.claim.as_ref().map(|claim| format!("{}/{}", claim.namespace, claim.name))
    }
}

/// By currency and namespace. A sum with too many digits to be exact is none.
fn sums<'a>(numbers: &[NumberView<'a>]) -> Vec<Sum<'a>> {
    let mut sums = BTreeMap::<_, (Option<Money>, usize)>::new();
    for number in numbers {
        let priced = number.monthly_fee.zip(number.currency);
        let namespace = number.claim.as_ref().map(|claim| claim.namespace);
        let key = (priced.map(|(_, currency)| currency), namespace);
        let (monthly, count) =
            sums.entry(key).or_insert_with(|| ("0".parse().ok().filter(|_| priced.is_some()), 0));
        *monthly = priced.and_then(|(fee, _)| (*monthly)? + fee);
        *count += 1;
    }
    sums.into_iter()
        .map(|((currency, namespace), (monthly, numbers))| Sum { currency, namespace, monthly, numbers })
        .collect()
}

fn as_json(numbers: &[OwnedNumber]) -> Result<String, CommandError> {
    let numbers: Vec<_> = numbers.iter().map(NumberView::of).collect();
    let document = Document { schema_version: 1, sums: sums(&numbers), numbers };
    Ok(serde_json::to_string_pretty(&document).map_err(CommandError::text)? + "\n")
}

fn as_csv(numbers: &[OwnedNumber]) -> Result<String, CommandError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["e164", "status", "claim", "monthlyFee", "currency"]).map_err(CommandError::text)?;
    for number in numbers.iter().map(NumberView::of) {
        let or_nothing = |text: Option<String>| text.unwrap_or_default();
        let record = [
            number.e164.to_string(),
            or_nothing(number.status.map(ToString::to_string)),
            or_nothing(number.claim()),
            or_nothing(number.monthly_fee.map(|fee| fee.to_string())),
            or_nothing(number.currency.map(|currency| currency.to_string())),
        ];
        csv.write_record(record).map_err(CommandError::text)?;
    }
    String::from_utf8(csv.into_inner().map_err(CommandError::text)?).map_err(CommandError::text)
}

fn as_table(numbers: &[OwnedNumber]) -> String {
    let numbers: Vec<_> = numbers.iter().map(NumberView::of).collect();
    let sum = |amount: Option<Money>, currency: Option<Currency>| {
        or_dash(amount.zip(currency).map(|(amount, currency)| format!("{amount} {currency}")))
    };
    let rows = numbers.iter().map(|number| {
        let trial = if number.trial == Some(true) { "yes" } else { "" };
        [
            number.e164.to_string(),
            or_dash(number.status),
            sum(number.monthly_fee, number.currency),
            or_dash(number.next_billing.as_ref()),
            trial.into(),
            or_dash(number.owner),
            or_dash(number.record),
            or_dash(number.claim()),
        ]
    });
    let headings = [
        ("NUMBER", false),
        ("STATUS", false),
        ("MONTHLY", true),
        ("NEXT BILLING", false),
        ("TRIAL", false),
        ("OWNER", false),
        ("RECORD", false),
        ("CLAIM", false),
    ];
    let listed = table(headings, rows);
    let sums = sums(&numbers);
    let rows = sums.iter().map(|of| {
        [
            sum(of.monthly, of.currency),
            of.numbers.to_string(),
            of.namespace.unwrap_or("(no claim)").to_owned(),
        ]
    });
    format!("{listed}\n{}", table([("MONTHLY", true), ("NUMBERS", true), ("NAMESPACE", false)], rows))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::standing::for_tests::{claim, record, row},
        *,
    };

    /// Three numbers: claimed, recorded alone, and a sub-account's without a fee.
    fn numbers() -> Vec<OwnedNumber> {
        let mut other = row("+12025550123", &json!({ "id": "n3", "status": "blocked", "monthlyFee": null }));
        (other.owner, other.next_billing, other.is_trial) = ("SA_2".parse().ok(), None, Some(true));
        let rows = vec![
            row("+911234500001", &json!({ "monthlyFee": "0.10" })),
            row("+911234500002", &json!({ "id": "n2", "monthlyFee": "0.2" })),
            other,
        ];
        let records = ["911234500001", "911234500002"].map(|digits| {
            let claim = if digits.ends_with('1') { "office" } else { "deleted" };
            serde_json::from_value(record(digits, claim)).unwrap()
        });
        standing(rows, &records, &[claim("office")], Which::All).numbers
    }

    #[test]
    fn json_is_as_documented() {
        let document: Value = serde_json::from_str(&as_json(&numbers()).unwrap()).unwrap();
        assert_eq!(document["schemaVersion"], 1);
        assert_eq!(
            document["numbers"][1],
            json!({
                "e164": "+911234500001", "id": "n1", "status": "active", "owner": "MA_1", "monthlyFee": "0.10",
                "setupFee": "50", "currency": "INR", "nextBilling": "2026-02-03", "trial": false,
                "record": "911234500001", "claim": { "namespace": "team-a", "name": "office" },
            })
        );
        assert_eq!(
            document["numbers"][0],
            json!({
                "e164": "+12025550123", "id": "n3", "status": "blocked", "owner": "SA_2", "monthlyFee": null,
                "setupFee": "50", "currency": "INR", "nextBilling": null, "trial": true, "record": null, "claim": null,
            })
        );
        let sum = |currency: Value, namespace: Value, monthly: Value| json!({ "currency": currency, "namespace": namespace, "monthly": monthly, "numbers": 1 });
        let (inr, none) = (json!("INR"), Value::Null);
        let sums = json!([
            sum(none.clone(), none.clone(), none.clone()),
            sum(inr.clone(), none, json!("0.2")),
            sum(inr, json!("team-a"), json!("0.10")),
        ]);
        assert_eq!(document["sums"], sums);
        let page = include_str!("../../docs/cli.md");
        for field in document["numbers"][1].as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "docs/cli.md does not name {field}");
        }
    }

    #[test]
    fn sums_are_exact() {
        let numbers = ["0.1", "0.2"].map(|fee| row("+12", &json!({ "monthlyFee": fee }))).into();
        let standing = standing(numbers, &[], &[], Which::All);
        let views: Vec<_> = standing.numbers.iter().map(NumberView::of).collect();
        let sums = sums(&views);
        assert_eq!((sums.len(), sums[0].monthly.unwrap().to_string(), sums[0].numbers), (1, "0.3".into(), 2));
    }

    #[test]
    fn csv_has_five_columns() {
        let csv = "e164,status,claim,monthlyFee,currency\n\
                   +12025550123,blocked,,,INR\n\
                   +911234500001,active,team-a/office,0.10,INR\n\
                   +911234500002,active,,0.2,INR\n";
        assert_eq!(as_csv(&numbers()).unwrap(), csv);
    }

    #[test]
    fn the_table_shows_numbers_and_sums() {
        let text = anstream::adapter::strip_str(&as_table(&numbers())).to_string();
        let expected = "\
NUMBER         STATUS    MONTHLY  NEXT BILLING  TRIAL  OWNER  RECORD        CLAIM
+12025550123   blocked         -  -             yes    SA_2   -             -
+911234500001  active   0.10 INR  2026-02-03           MA_1   911234500001  team-a/office
+911234500002  active    0.2 INR  2026-02-03           MA_1   911234500002  -

 MONTHLY  NUMBERS  NAMESPACE
       -        1  (no claim)
 0.2 INR        1  (no claim)
0.10 INR        1  team-a
";
        assert_eq!(text, expected);
    }
}
