//! An account as it is read just before a purchase is sent: a watch may lag behind what the API server has acknowledged.

use std::borrow::Cow;

use super::{Directory, Labels};
use crate::{
    api::{Seen, VobizAccount},
    plan::declared::{Declared, Token},
};

/// The object that serves an account, as it was read just now.
pub struct LiveAccount {
    pub name: String,
    /// None if it is gone.
    pub object: Option<Seen<VobizAccount>>,
    /// Those of the claim's namespace alone, where the object chooses namespaces by their labels.
    pub labels: Option<Labels>,
}

impl Directory {
    /// The same accounts, with one of them as it was read just now.
    #[must_use]
    pub fn with(&self, live: &LiveAccount) -> Cow<'_, Self> {
        let LiveAccount { name, object, labels } = live;
        let known = self.declared.get(name);
        let token = known.map_or(Token::Awaited, |known| known.token.clone());
        let now = object.as_ref().and_then(Seen::read).map(|object| Declared::of(object, token));
        if now.as_ref() == known && labels.is_none() {
            return Cow::Borrowed(self);
        }
        let (mut declared, mut unreadable) = (self.declared.clone(), self.unreadable.clone());
        declared.remove(name);
        declared.extend(now.map(|now| (name.clone(), now)));
        if let Some(Seen::Newer(newer)) = object {
            unreadable.insert(name.clone(), newer.why.clone());
        }
        let labels = labels.clone().unwrap_or_else(|| self.labels.clone());
        let directory = Self::new(declared, unreadable, self.flags.clone(), labels);
        Cow::Owned(directory.keeping(self.kept.clone()).unlisted(self.unlisted))
    }
}
