//! Reads what the checks decide on. It writes nothing: questions about rights are created as objects are, and stored
//! nowhere.

use std::sync::Arc;

use futures::{StreamExt, stream};
use http::Uri;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{authorization::v1::SelfSubjectAccessReview, coordination::v1::Lease};
use kube::{Api, Client, api::PostParams};

use super::{
    facts::{Asked, Facts, LeaseSeen, Listed, Vobiz},
    rights::{Review, Right, needed},
};
use crate::{
    api::{PhoneNumber, PhoneNumberClaim, Seen, VobizAccount},
    cli::{DoctorArgs, PlaceArgs},
    clock::Peers,
    cluster::definitions,
    commands::{
        accounts::{Accounts, Origin, of_flags},
        console::reading,
        error::CommandError,
        gather::{self, Objects},
    },
    domain::{AccountId, Currency, utc_day},
    proxy::Proxies,
    vobiz::{Credentials, CredentialsError},
};

/// The ledger is looked at since so long ago.
const LEDGER: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Rights that are asked about at a time.
const AT_ONCE: usize = 8;

/// Accounts that are asked at a time.
const ACCOUNTS_AT_ONCE: usize = 4;

/// What there is to know.
///
/// # Errors
/// If there is no way to an API server: then nothing can be said.
pub async fn facts(args: &DoctorArgs) -> Result<Facts, CommandError> {
    let peers = Arc::<Peers>::default();
    let objects = Objects::connect(peers.clone()).await?;
    reachable(objects.client()).await?;
    let records = listed(objects.records().await);
    let claims = claims(&objects, &args.place.watch.namespaces()).await;
    let lease_namespace = args.place.lease_namespace(objects.namespace(None));
    let declared = listed(objects.declared().await);
    let needed = needed(&args.place, &lease_namespace, declared.all());
    let reviews = reading("the rights", reviews(objects.client(), needed)).await;
    let lease = lease(objects.client(), &args.place, lease_namespace).await;
    let served = reading("the definitions", definitions::look(objects.client())).await;
    let asked = ask(args, &objects, &declared, &peers, currency(&records, &claims)).await?;
    let (address, proxy) = way(&args.account.vobiz.vobiz_api_url);
    let place = &args.place;
    Ok(Facts {
        now: Timestamp::now(),
        served,
        reviews,
        lease,
        records,
        claims,
        declared,
        asked,
        clocks: peers.clocks(),
        address,
        proxy,
        purchase_path: place.vobiz_purchase_path,
        timeouts: gather::timeouts(&place.times),
    })
}

/// A refusal is an answer too, unless it is that of who asks.
async fn reachable(client: &Client) -> Result<(), CommandError> {
    match reading("the API server", client.apiserver_version()).await {
        Err(kube::Error::Api(status)) if status.code != 401 && status.code < 500 => Ok(()),
        answer => Ok(answer.map(drop)?),
    }
}

fn listed<K>(answer: Result<Vec<Seen<K>>, CommandError>) -> Listed<K> {
    match answer {
        Ok(objects) => Listed::Read(objects),
        Err(CommandError::ApiServer(kube::Error::Api(status))) if status.code == 404 => Listed::NotServed,
        Err(error) => Listed::Failed(error.to_string()),
    }
}

async fn claims(objects: &Objects, namespaces: &[String]) -> Listed<PhoneNumberClaim> {
    if namespaces.is_empty() {
        return listed(objects.claims().await);
    }
    let mut all = Vec::new();
    for namespace in namespaces {
        match listed(objects.claims_in(namespace).await) {
            Listed::Read(claims) => all.extend(claims),
            other => return other,
        }
    }
    Listed::Read(all)
}

async fn reviews(client: &Client, rights: Vec<Right>) -> Vec<Review> {
    let api = &Api::<SelfSubjectAccessReview>::all(client.clone());
    let ask = |right: Right| async move {
        let answer = api.create(&PostParams::default(), &right.review()).await;
        let allowed = answer.map(|review| review.status.is_some_and(|status| status.allowed));
        Review { right, allowed: allowed.map_err(said) }
    };
    stream::iter(rights).map(ask).buffered(AT_ONCE).collect().await
}

async fn lease(client: &Client, place: &PlaceArgs, namespace: String) -> LeaseSeen {
    let api = Api::<Lease>::namespaced(client.clone(), &namespace);
    let found = reading("the Lease", api.get_opt(&place.leader_election_name)).await;
    LeaseSeen {
        namespace,
        name: place.leader_election_name.clone(),
        expected: place.leader_elect,
        found: found.map(|lease| lease.map(|lease| lease.spec.unwrap_or_default())).map_err(said),
    }
}

/// In the API server's words, where it has answered.
fn said(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        error => error.to_string(),
    }
}

/// The currency that the balance is asked in: one that is in use here.
fn currency(records: &Listed<PhoneNumber>, claims: &Listed<PhoneNumberClaim>) -> Currency {
    let billed = || records.readable()?.find_map(|record| record.described()?.currency);
    let wished = || claims.readable()?.find_map(|claim| claim.spec.currency);
    billed().or_else(wished).unwrap_or(Currency::INR)
}

/// Asks Vobiz with each of the accounts that are meant.
async fn ask(
    args: &DoctorArgs,
    objects: &Objects,
    declared: &Listed<VobizAccount>,
    peers: &Arc<Peers>,
    currency: Currency,
) -> Result<Vec<Asked>, CommandError> {
    let without = |why: CredentialsError| Asked {
        name: None,
        account: None,
        secret: None,
        vobiz: Vobiz::NoCredentials(why.to_string()),
    };
    let (flags, mut asked) = match of_flags(&args.account.vobiz) {
        Ok(flags) => (flags, Vec::new()),
        Err(CommandError::Credentials(why)) => (None, vec![without(why)]),
        Err(error) => return Err(error),
    };
    if let Some(asked) = unseen(args.account.account.as_deref(), flags.as_ref(), declared) {
        return Ok(vec![asked]);
    }
    let accounts =
        match Accounts::of(&args.account, Some(objects), declared.all().to_vec(), flags, peers.clone()) {
            Ok(accounts) => accounts,
            Err(CommandError::Credentials(why)) => return Ok(vec![without(why)]),
            Err(error) => return Err(error),
        };
    if accounts.only.is_some() {
        asked.clear();
    }
    let origins: Vec<_> = accounts.known.meant(accounts.only.as_ref()).collect();
    let (accounts, from) = (&accounts, utc_day(Timestamp::now() - LEDGER));
    let survey = |origin: Origin| async move {
        let vobiz = match accounts.reader(&origin).await {
            Ok(reader) => Vobiz::Asked(Box::new(reading("the account", reader.survey(from, currency)).await)),
            Err(CommandError::Setup(why)) => Vobiz::NoClient(why.to_string()),
            Err(why) => Vobiz::NoCredentials(why.to_string()),
        };
        let (name, account) = (Some(origin.name()), Some(origin.account().clone()));
        Asked { name, account, secret: origin.secret(), vobiz }
    };
    asked.extend(stream::iter(origins).map(survey).buffered(ACCOUNTS_AT_ONCE).collect::<Vec<_>>().await);
    Ok(asked)
}

/// What is said of an account that is meant while none can be listed: it may be there.
fn unseen(only: Option<&str>, flags: Option<&Credentials>, declared: &Listed<VobizAccount>) -> Option<Asked> {
    let (Some(name), Listed::Failed(why)) = (only, declared) else { return None };
    let is_of_flags = flags.is_some_and(|flags| name.parse().is_ok_and(|id: AccountId| flags.account == id));
    let why = format!("VobizAccounts cannot be listed, so it is not known which account {name} is: {why}");
    let vobiz = Vobiz::NoCredentials(why);
    (!is_of_flags).then(|| Asked { name: Some(name.to_owned()), account: None, secret: None, vobiz })
}

/// Where Vobiz is, by scheme and host, and the proxy before it. None stands before a loopback host that is called in the
/// clear.
fn way(url: &str) -> (String, Option<String>) {
    let Ok(uri) = url.parse::<Uri>() else { return ("VOBIZ_API_URL".into(), None) };
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or_default();
    // One that cannot be used has ended the program already.
    let proxies = Proxies::from_env().ok().filter(|_| scheme == "https");
    let before = proxies.as_ref().and_then(|proxies| proxies.before(host, uri.port_u16().or(Some(443))));
    let proxy = before.map(|proxy| proxy.uri().authority().map(ToString::to_string).unwrap_or_default());
    (format!("{scheme}://{host}{port}"), proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_cannot_be_seen_is_not_said_to_be_missing() {
        let flags = Credentials::new("MA_1".parse().unwrap(), "token").unwrap();
        let (refused, none) = (Listed::Failed("no right".into()), Listed::Read(Vec::new()));
        for (only, flags, declared, is_unseen) in [
            (Some("red"), Some(&flags), &refused, true),
            (Some("red"), None, &refused, true),
            (Some("MA_2"), Some(&flags), &refused, true),
            (Some("ma_1"), Some(&flags), &refused, false),
            (Some("red"), Some(&flags), &none, false),
            (Some("red"), Some(&flags), &Listed::NotServed, false),
            (None, Some(&flags), &refused, false),
        ] {
            let asked = unseen(only, flags, declared);
            assert_eq!(asked.is_some(), is_unseen, "{only:?} {declared:?}");
            if let Some(Asked { name, vobiz: Vobiz::NoCredentials(why), .. }) = asked {
                assert!(
                    name.as_deref() == only && why.contains("cannot be listed") && why.contains("no right")
                );
            }
        }
    }
}
