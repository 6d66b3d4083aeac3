//! What Secrets hold, and since when.

use extsecret_engine::secret::Secret;
use extsecret_restart::fingerprint::Content;
use extsecret_restart::source::{Source, Stamp, Version};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::state::{Annotations, State, name, ours};
use crate::cache::version;
use crate::key::Name;
use crate::packed::ManagedSecret;
use crate::system;

/// A Secret that an ExternalSecret makes.
pub(super) struct Known {
    pub(super) source: Source,
    pub(super) said: Annotations,
    /// When the provider made the newest value of it.
    pub(super) made: Option<Timestamp>,
    /// The same, if that value was the reason for its last write.
    pub(super) origin: Option<Timestamp>,
}

/// A Secret as it was before it became ours.
pub(super) struct Before {
    content: Content,
    created: Timestamp,
    version: u64,
}

fn created(metadata: &ObjectMeta) -> Timestamp {
    metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0)
}

impl State {
    /// A Secret that is there already is about to be written, and may become ours by that. What the
    /// write changes of it is a change like any other; what it held before is as old as it is.
    pub(crate) fn writes_secret(&self, secret: &Secret) {
        let name = name(&secret.metadata);
        let mut inner = self.lock();
        if inner.secrets.contains_key(&name) {
            return;
        }
        let before = Before {
            content: Content::of(secret.data.iter().map(|(key, value)| (&**key, &**value))),
            created: created(&secret.metadata),
            version: version(&secret.metadata),
        };
        inner.before.insert(name, before);
    }

    /// It was not written.
    pub(crate) fn did_not_write_secret(&self, name: &Name) {
        self.lock().before.remove(name);
    }

    /// A Secret that an ExternalSecret makes is there. `listed` if it may have been before.
    pub(crate) fn put_secret(&self, secret: &ManagedSecret, listed: bool) {
        let metadata = &secret.metadata;
        let name = name(metadata);
        let created = created(metadata);
        let mut now = Version {
            created,
            written: secret.written.clone(),
            version: version(metadata),
            seen: system::timestamp(),
        };
        let said = ours(metadata.annotations.as_ref());
        let mut inner = self.lock();
        let before = inner.before.remove(&name);
        let changed = if let Some(known) = inner.secrets.get_mut(&name) {
            let says_else = known.said != said;
            known.said = said;
            known.source.update(secret.content.clone(), &now) || says_else
        } else {
            let before = before.filter(|it| it.created == created && it.version < now.version);
            let source = if let Some(Before { content, created, version }) = before {
                let first = Version::at(created, Stamp { time: created, version });
                let mut source = Source::new(content, &first);
                source.update(secret.content.clone(), &now);
                source
            } else {
                // One that was there, and which somebody else has made ours, such as the leader that we
                // wait for: it says nothing of its restarts before they are there.
                if !listed {
                    now.written = now.written.adopted(created);
                }
                Source::new(secret.content.clone(), &now)
            };
            inner.secrets.insert(name.clone(), Known { source, said, made: None, origin: None });
            true
        };
        if changed {
            inner.wake_readers(&name);
            self.bell.notify_one();
        }
    }

    /// Its values were fetched, of which the provider `made` the newest then, and perhaps written;
    /// they were fetched `before`, if that is known. What is written without a newer value is the
    /// doing of its ExternalSecret.
    pub(crate) fn fetched(
        &self,
        secret: &Name,
        made: Option<Timestamp>,
        before: Option<Timestamp>,
        wrote: bool,
    ) {
        let mut inner = self.lock();
        let Some(known) = inner.secrets.get_mut(secret) else { return };
        if wrote {
            let last = known.made.or(before);
            known.origin = made.filter(|made| last.is_none_or(|last| *made > last));
        }
        known.made = made;
    }

    /// A Secret is gone, or nobody calls it ours any more.
    pub(crate) fn remove_secret(&self, name: &Name) {
        let mut inner = self.lock();
        inner.before.remove(name);
        if inner.readers.contains_key(name) {
            if let Some(known) = inner.secrets.get_mut(name) {
                known.source.remove();
            }
        } else {
            inner.secrets.remove(name);
        }
    }
}
