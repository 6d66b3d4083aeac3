//! All secrets of all accounts and regions, and how an id finds one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::secret::Secret;
use super::{check_id, no_such_secret};
use crate::error::AwsError;
use crate::identity::Access;
use crate::world::Call;

/// The secrets of everybody.
#[derive(Debug, Default)]
pub(crate) struct Store {
    regions: HashMap<(String, String), Region>,
    serial: u64,
    /// ARNs of the functions that may be told to rotate.
    pub(super) rotation_functions: BTreeSet<String>,
    /// How long lists do not show a change.
    list_lag: SignedDuration,
}

/// The secrets of an account in a region.
#[derive(Debug, Default)]
pub(super) struct Region {
    pub(super) secrets: BTreeMap<String, Secret>,
    /// Names of secrets whose replica is here, with their primary region.
    pub(super) replicas: BTreeMap<String, String>,
    /// What secrets were before they were changed, and when: oldest first, as far back as lists
    /// look.
    before: BTreeMap<String, Vec<(Timestamp, Option<Secret>)>>,
}

/// The parts of a secret's ARN.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ArnParts<'a> {
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    /// With or without the six characters.
    pub(super) name: &'a str,
}

/// None if it is no ARN of a secret.
pub(super) fn arn_parts(id: &str) -> Option<ArnParts<'_>> {
    let mut parts = id.strip_prefix("arn:aws:secretsmanager:")?.splitn(4, ':');
    let (region, account, kind) = (parts.next()?, parts.next()?, parts.next()?);
    let name = parts.next()?;
    (kind == "secret").then_some(ArnParts { region, account, name })
}

/// Where a secret is: in its account and primary region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) name: String,
    /// It was asked for in a region that has only a replica.
    pub(super) is_replica: bool,
}

impl Store {
    pub(crate) fn add_rotation_function(&mut self, arn: &str) {
        self.rotation_functions.insert(arn.to_owned());
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn region(&mut self, account: &str, region: &str) -> &mut Region {
        self.regions.entry((account.to_owned(), region.to_owned())).or_default()
    }

    /// Finds a secret by name or ARN, with or without the ARN's last six characters.
    pub(super) fn locate(
        &mut self,
        account: &str,
        region: &str,
        id: &str,
        now: Timestamp,
    ) -> Option<Place> {
        let (account, name) = match arn_parts(id) {
            None => (account, id),
            Some(arn) if arn.region == region => (arn.account, arn.name),
            Some(_) => return None,
        };
        if arn_parts(id).is_some() {
            // With the suffix first: only then the whole could be a name.
            if let Some((name, suffix)) = name.rsplit_once('-').filter(|(_, s)| s.len() == 6) {
                let place = self.place(account, region, name, now);
                let secret = place.as_ref().and_then(|place| self.get(place));
                if secret.is_some_and(|secret| secret.suffix == suffix) {
                    return place;
                }
            }
        }
        self.place(account, region, name, now)
    }

    fn place(&mut self, account: &str, region: &str, name: &str, now: Timestamp) -> Option<Place> {
        let key = (account.to_owned(), region.to_owned());
        let primary = self.regions.get(&key)?.replicas.get(name).cloned();
        let place = Place {
            account: account.to_owned(),
            is_replica: primary.is_some(),
            region: primary.unwrap_or_else(|| region.to_owned()),
            name: name.to_owned(),
        };
        let secret = self.get(&place)?;
        if secret.deletion.is_some_and(|(_, at)| now >= at) {
            self.remove(&place);
            return None;
        }
        Some(place)
    }

    pub(super) fn get(&self, place: &Place) -> Option<&Secret> {
        let key = (place.account.clone(), place.region.clone());
        self.regions.get(&key)?.secrets.get(&place.name)
    }

    pub(super) fn get_mut(&mut self, place: &Place) -> Option<&mut Secret> {
        let key = (place.account.clone(), place.region.clone());
        self.regions.get_mut(&key)?.secrets.get_mut(&place.name)
    }

    pub(crate) fn set_list_lag(&mut self, lag: Duration) {
        self.list_lag = SignedDuration::try_from(lag).unwrap_or(SignedDuration::MAX);
    }

    /// Keeps what a secret is before it is changed, for lists that lag behind.
    pub(super) fn remember(&mut self, account: &str, region: &str, name: &str, now: Timestamp) {
        if self.list_lag.is_zero() {
            return;
        }
        let seen = now.checked_sub(self.list_lag).unwrap_or(Timestamp::MIN);
        let region = self.region(account, region);
        let secret = region.secrets.get(name).cloned();
        let before = region.before.entry(name.to_owned()).or_default();
        before.retain(|(until, _)| *until > seen);
        before.push((now, secret));
    }

    /// The secrets that lists know of, as they know them.
    pub(super) fn listed(&mut self, account: &str, region: &str, now: Timestamp) -> Vec<&Secret> {
        let seen = now.checked_sub(self.list_lag).unwrap_or(Timestamp::MIN);
        let key = (account.to_owned(), region.to_owned());
        let Some(here) = self.regions.get(&key) else { return Vec::new() };
        let mut names: Vec<(&Region, &String)> =
            here.secrets.keys().chain(here.before.keys()).map(|name| (here, name)).collect();
        for (name, primary) in &here.replicas {
            let primary = self.regions.get(&(account.to_owned(), primary.clone()));
            names.extend(primary.map(|primary| (primary, name)));
        }
        names.sort_unstable_by_key(|(_, name)| *name);
        names.dedup_by_key(|(_, name)| *name);
        names.into_iter().filter_map(|(region, name)| region.at(name, seen)).collect()
    }

    /// Adds a new secret.
    pub(super) fn insert(&mut self, secret: Secret) {
        self.remember(&secret.account, &secret.region, &secret.name, secret.changed);
        let region = self.region(&secret.account.clone(), &secret.region.clone());
        region.secrets.insert(secret.name.clone(), secret);
    }

    /// Removes a secret and its replicas.
    pub(super) fn remove(&mut self, place: &Place) {
        let region = self.region(&place.account, &place.region);
        let Some(secret) = region.secrets.remove(&place.name) else { return };
        for replica in &secret.replicas {
            self.region(&place.account, replica).replicas.remove(&place.name);
        }
    }

    /// Finds the secret that a call is about, if its caller may do `action` with it.
    pub(super) fn open(
        &mut self,
        call: &Call<'_>,
        action: &str,
        id: &str,
    ) -> Result<Place, AwsError> {
        self.open_with(call, action, id, &|_| Vec::new())
    }

    /// The same, with values of further condition keys.
    pub(super) fn open_with(
        &mut self,
        call: &Call<'_>,
        action: &str,
        id: &str,
        context: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Place, AwsError> {
        check_id(id)?;
        call.is_about(id);
        let place = self.locate(&call.caller.account, call.region, id, call.now);
        let secret = place.as_ref().and_then(|place| self.get(place));
        // Whoever may not ask does not learn whether there is such a secret.
        let arn = match secret {
            Some(secret) => secret.arn(call.region),
            None if id.starts_with("arn:") => id.to_owned(),
            None => format!(
                "arn:aws:secretsmanager:{}:{}:secret:{id}",
                call.region, call.caller.account
            ),
        };
        let owner = arn_parts(id).map_or(call.caller.account.as_str(), |arn| arn.account);
        let context = |key: &str| {
            let tag = key
                .strip_prefix("aws:ResourceTag/")
                .or_else(|| key.strip_prefix("secretsmanager:ResourceTag/"));
            match (tag, key) {
                (Some(tag), _) => {
                    secret.and_then(|s| s.tags.get(tag)).cloned().into_iter().collect()
                }
                (None, "secretsmanager:SecretId") => vec![id.to_owned()],
                (None, key) => context(key),
            }
        };
        let access = Access {
            action,
            resource: &arn,
            owner,
            resource_policy: secret.and_then(|s| s.policy.as_ref()).map(|(_, policy)| policy),
            context: &context,
        };
        let name = secret.map_or(id, |secret| secret.name.as_str());
        call.authorize(&access, &[name, &arn])?;
        place.ok_or_else(no_such_secret)
    }

    /// The same for a change, which only the primary region takes.
    pub(super) fn open_for_change(
        &mut self,
        call: &Call<'_>,
        action: &str,
        id: &str,
    ) -> Result<&mut Secret, AwsError> {
        let place = self.open(call, action, id)?;
        if place.is_replica {
            return Err(super::invalid_request(
                "Operation not permitted on a replica secret. Call must be made in primary \
                 secret's region.",
            ));
        }
        self.remember(&place.account, &place.region, &place.name, call.now);
        self.get_mut(&place).ok_or_else(no_such_secret)
    }
}

impl Region {
    /// A secret as it was at a moment.
    fn at(&self, name: &str, moment: Timestamp) -> Option<&Secret> {
        let before = self.before.get(name).into_iter().flatten();
        match before.into_iter().find(|(until, _)| *until > moment) {
            Some((_, secret)) => secret.as_ref(),
            None => self.secrets.get(name),
        }
    }
}
