//! Which accounts a command asks, and what they answer: the one place that knows flags, declared accounts and `--account`.
//!
//! An account is asked when its first answer is lacking, and its Secret is read no sooner: no other account is called.

mod known;
mod origin;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use kube::{Client, ResourceExt};
use tokio::sync::watch;

pub use self::{known::Known, origin::Origin};
use super::{
    console::{note, reading},
    error::CommandError,
    evidence::{Account, Books, Facts},
    gather::Objects,
};
use crate::{
    api::{PhoneNumberClaim, Seen, TokenSecretRef, VobizAccount},
    cli::{AccountArgs, VobizArgs},
    clock::Peers,
    cluster::secret::{self, NoToken},
    domain::{AccountId, Currency, Money, OwnedRow},
    plan::{Gate, GateCause, Labels, Moment, Readings, Source},
    vobiz::{Credentials, ReadError, Reader},
};

pub struct Accounts<'a> {
    pub known: Known,
    /// What was read of each.
    pub books: Books,
    asked: HashMap<AccountId, Account>,
    /// What `--account` names.
    pub only: Option<AccountId>,
    vobiz: &'a VobizArgs,
    kube: Option<Client>,
    peers: Arc<Peers>,
}

/// The account of the flags, if they speak of one.
///
/// # Errors
/// If they speak of half an account.
pub fn of_flags(vobiz: &VobizArgs) -> Result<Option<Credentials>, CommandError> {
    if !vobiz.names_an_account() {
        return Ok(None);
    }
    Ok(Some(vobiz.source()?.read()?))
}

/// What the cluster holds, and the accounts, with one clock for all that both answer.
pub async fn connect(args: &AccountArgs) -> Result<(Objects, Accounts<'_>), CommandError> {
    let peers = Arc::<Peers>::default();
    let flags = of_flags(&args.vobiz)?;
    let objects = Objects::connect(peers.clone()).await?;
    let declared = objects.accounts().await?;
    let accounts = Accounts::of(args, Some(&objects), declared, flags, peers)?;
    Ok((objects, accounts))
}

impl<'a> Accounts<'a> {
    /// Those that are declared, and that of the flags.
    ///
    /// # Errors
    /// If there are none, or none that `--account` names.
    pub fn of(
        args: &'a AccountArgs,
        objects: Option<&Objects>,
        declared: Vec<Seen<VobizAccount>>,
        flags: Option<Credentials>,
        peers: Arc<Peers>,
    ) -> Result<Self, CommandError> {
        if flags.is_none() && declared.is_empty() {
            // It says which flag is lacking.
            args.vobiz.source()?;
        }
        let known = Known::of(declared, flags);
        Ok(Self {
            only: args.account.as_deref().map(|name| known.named(name)).transpose()?,
            known,
            books: Books::default(),
            asked: HashMap::new(),
            vobiz: &args.vobiz,
            kube: objects.map(|objects| objects.client().clone()),
            peers,
        })
    }

    /// The one account that is meant where no claim says it.
    pub fn one(&self) -> Result<AccountId, CommandError> {
        self.only.clone().map_or_else(|| self.known.usual(), Ok)
    }

    /// Reads what else says which accounts serve these claims: the labels of namespaces that are chosen by them.
    pub async fn serve<'c>(
        &mut self,
        claims: impl Iterator<Item = &'c PhoneNumberClaim> + Clone,
        objects: Option<&Objects>,
    ) -> Result<(), CommandError> {
        if self.only.is_none() && claims.clone().any(|claim| self.known.lacks_flags(claim)) {
            note(
                "If the operator has an account of flags (VOBIZ_AUTH_ID), it serves the claims that name none: here, no flags \
                 say which it is.",
            );
        }
        let lacking: BTreeSet<_> = claims.filter_map(|claim| self.known.lacks_labels(claim)).collect();
        let Some(objects) = objects.filter(|_| !lacking.is_empty()) else { return Ok(()) };
        let mut labels = BTreeMap::new();
        for namespace in lacking {
            let of = objects.labels(&namespace).await?;
            labels.insert(namespace, of);
        }
        self.known.label(Labels::Read(labels));
        Ok(())
    }

    pub fn now(&self) -> Moment {
        self.peers.now()
    }

    /// The reader of an account.
    pub async fn reader(&self, origin: &Origin) -> Result<Reader, CommandError> {
        let credentials = match origin {
            Origin::Flags(credentials) => credentials.clone(),
            Origin::Declared(object) => self.token(object).await?,
        };
        // What the channel holds is read once: a command does not outlive its token.
        let (_, credentials) = watch::channel(credentials);
        let mut settings = self.vobiz.settings();
        settings.rate = origin.rate().unwrap_or(settings.rate);
        Ok(Reader::new(&settings, credentials, Arc::default(), self.peers.clone())?)
    }

    async fn token(&self, object: &VobizAccount) -> Result<Credentials, CommandError> {
        let Some(kube) = &self.kube else { return Err(unknown(&object.spec.auth_id)) };
        let (from, name) = (&object.spec.token_secret_ref, object.name_any());
        let read = reading("the Secret", secret::credentials(kube, &object.spec)).await;
        read.map_err(|why| CommandError::Refused(without_token(&name, from, why)))
    }

    /// The account, ready to be asked.
    pub async fn account(&mut self, id: &AccountId) -> Result<&mut Account, CommandError> {
        let origin = self.origin(id)?;
        if !self.asked.contains_key(id) {
            let reader = self.reader(&origin).await?;
            self.asked.insert(id.clone(), Account::new(reader));
        }
        self.asked.get_mut(id).ok_or_else(|| unknown(id))
    }

    fn origin(&self, id: &AccountId) -> Result<Origin, CommandError> {
        self.known.origin(id).ok_or_else(|| unknown(id))
    }

    /// Reads these of an account, until one cannot be had.
    pub async fn fetch(&mut self, id: &AccountId, sources: &[Source]) -> Result<(), CommandError> {
        let origin = self.origin(id)?;
        self.read(id, sources).await?.map_err(|why| origin.unread(why))
    }

    /// The same. A limit that lasts closes the gate, as it does for the operator.
    pub async fn ask(&mut self, id: &AccountId, sources: &[Source]) -> Result<(), CommandError> {
        let origin = self.origin(id)?;
        match (self.read(id, sources).await?, self.books.get_mut(id)) {
            (Err(error @ ReadError::RateLimited { .. }), Some(facts)) => {
                facts.gate = Gate::Closed(GateCause::RateLimited, error.to_string());
                Ok(())
            }
            (answer, _) => answer.map_err(|why| origin.unread(why)),
        }
    }

    async fn read(
        &mut self,
        id: &AccountId,
        sources: &[Source],
    ) -> Result<Result<(), ReadError>, CommandError> {
        let mut facts = self.books.remove(id).unwrap_or_else(|| Facts {
            readings: Readings::default(),
            gate: Gate::Open,
            clocks: self.peers.clocks(),
        });
        let answer = self.account(id).await?.fetch(&mut facts, sources).await;
        self.books.insert(id.clone(), facts);
        Ok(answer)
    }

    /// The numbers that an account owns, as people are shown them.
    pub async fn owned(&mut self, id: &AccountId) -> Result<Vec<OwnedRow>, CommandError> {
        let origin = self.origin(id)?;
        let Account { reader, patience, .. } = self.account(id).await?;
        loop {
            match reading("the owned numbers", reader.owned_rows()).await {
                Err(error) if patience.waits_after(&error).await => {}
                rows => return rows.map_err(|why| origin.unread(why)),
            }
        }
    }

    /// Which account pays for that one, and what it has, if Vobiz tells it.
    pub async fn balance(
        &mut self,
        id: &AccountId,
        currency: Currency,
    ) -> Result<(AccountId, Option<Money>), CommandError> {
        let origin = self.origin(id)?;
        let Account { reader, patience, .. } = self.account(id).await?;
        loop {
            match reading("the balance", reader.balance(currency)).await {
                Ok(balance) => {
                    return Ok((balance.account_id.unwrap_or_else(|| id.clone()), balance.available_balance));
                }
                Err(ReadError::NoSuchEndpoint | ReadError::Forbidden) => return Ok((id.clone(), None)),
                Err(error) if patience.waits_after(&error).await => {}
                Err(error) => return Err(origin.unread(error)),
            }
        }
    }
}

/// It is served from elsewhere.
fn unknown(id: &AccountId) -> CommandError {
    CommandError::Refused(format!(
        "nothing is known here of the account {id}: declare it, or give it by VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN"
    ))
}

/// Why an account cannot be asked, and what to do.
fn without_token(name: &str, from: &TokenSecretRef, why: NoToken) -> String {
    let TokenSecretRef { namespace, name: secret, key } = from;
    match why {
        NoToken::Forbidden => format!(
            "the Secret {namespace}/{secret}, which VobizAccount {name} names, cannot be read (403): ask for a role that may \
             get this Secret, or give the account by VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN"
        ),
        NoToken::NoAnswer => format!("{}: try again", why.told(from)),
        NoToken::NoSecret | NoToken::NoKey | NoToken::Unusable => format!(
            "VobizAccount {name} has no token: {}. Put it there, under the key {key}: kubectl edit secret {secret} \
             -n {namespace}",
            why.told(from)
        ),
    }
}
