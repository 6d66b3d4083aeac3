//! What is sent to whoever restarts workloads in the controller's place: names, never what a Secret
//! holds, signed so that whoever gets it knows who sent it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::Serialize;
use sha2::Sha256;

use crate::pace::Id;

/// The header with the signature, as GitHub's webhooks call it.
pub const SIGNATURE: &str = "x-hub-signature-256";
/// The header with [`Notice::id`].
pub const DELIVERY: &str = "x-extsecret-delivery";

/// What has changed of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct News {
    /// The `resourceVersion` that the Secret got by the change.
    pub version: String,
    /// Names of the keys that have changed, of those that are read; all that are read where it is not
    /// known which of them did.
    pub keys: BTreeSet<Box<str>>,
}

/// A workload that has to restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub workload: Id,
    /// By the Secrets, of its namespace, that have changed.
    pub secrets: BTreeMap<Box<str>, News>,
    /// A text that is the same only for the same workload and content.
    pub marker: Box<str>,
}

/// Workloads that have to restart because of the same Secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The same for the same news about the same workloads, however often it is sent.
    pub id: String,
    /// When it was made, by the controller's clock.
    pub time: Timestamp,
    /// Of Secrets and workloads.
    pub namespace: Box<str>,
    /// What has changed, by name.
    pub secrets: Vec<NamedNews>,
    /// Who has to restart, by kind and name.
    pub workloads: Vec<Named>,
}

/// [`News`] with the Secret's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedNews {
    /// Of the Secret.
    pub name: Box<str>,
    /// What has changed.
    #[serde(flatten)]
    pub news: News,
}

/// A workload of the notice's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Such as `Deployment`.
    pub kind: &'static str,
    /// Its name.
    pub name: Box<str>,
    /// The same for the same content of all that it reads, in whatever company it is named.
    pub id: Box<str>,
}

/// One notice for all that have to restart because of the same Secrets, so that nobody is named twice.
/// `name` makes the identity of a notice of its markers, which are in the order of the workloads.
pub fn notices(
    now: Timestamp,
    due: impl IntoIterator<Item = Due>,
    name: impl Fn(&[Box<str>]) -> String,
) -> Vec<Notice> {
    type Group = (BTreeMap<Box<str>, News>, BTreeMap<Id, Box<str>>);
    let mut groups = BTreeMap::<(Box<str>, BTreeSet<Box<str>>), Group>::new();
    for it in due {
        let names = it.secrets.keys().cloned().collect();
        let group = groups.entry((it.workload.namespace.clone(), names)).or_default();
        for (secret, news) in it.secrets {
            let all = group.0.entry(secret).or_default();
            // They are read at one moment, and so of one version.
            all.version = news.version;
            all.keys.extend(news.keys);
        }
        group.1.insert(it.workload, it.marker);
    }
    let notice = |((namespace, _), (secrets, workloads)): ((Box<str>, _), Group)| Notice {
        id: name(&workloads.values().cloned().collect::<Vec<_>>()),
        time: now,
        namespace,
        secrets: secrets.into_iter().map(|(name, news)| NamedNews { name, news }).collect(),
        workloads: workloads
            .into_iter()
            .map(|(it, id)| Named { kind: it.kind.name(), name: it.name, id })
            .collect(),
    };
    groups.into_iter().map(notice).collect()
}

impl Notice {
    /// As it is sent: JSON.
    pub fn body(&self) -> Vec<u8> {
        // Texts and times can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The signature of a body, as it stands in [`SIGNATURE`]: `sha256=` and the HMAC-SHA-256 in hexadecimal
/// digits.
pub fn signature(key: &[u8], body: &[u8]) -> String {
    let mut text = "sha256=".to_owned();
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return text };
    mac.update(body);
    for byte in mac.finalize().into_bytes() {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kind;

    fn due(name: &str, secrets: &[(&str, &[&str])]) -> Due {
        let news = |keys: &[&str]| News {
            version: "7".into(),
            keys: keys.iter().map(|key| Box::from(*key)).collect(),
        };
        Due {
            workload: Id { namespace: "shop".into(), name: name.into(), kind: Kind::Deployment },
            secrets: secrets.iter().map(|(name, keys)| (Box::from(*name), news(keys))).collect(),
            marker: format!("m-{name}").into(),
        }
    }

    /// The example of GitHub's documentation.
    #[test]
    fn the_signature_is_what_receivers_of_webhooks_know() {
        assert_eq!(
            signature(b"It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn every_workload_is_named_once_with_all_that_has_changed() {
        let now = Timestamp::from_second(0).unwrap();
        let all = [
            due("web", &[("db", &["password"])]),
            due("both", &[("db", &["password"]), ("user", &["name"])]),
            due("api", &[("db", &["host", "password"])]),
        ];
        let notices = notices(now, all, |markers| markers.join(","));
        let [db, both] = notices.as_slice() else { panic!("{notices:?}") };
        let body: serde_json::Value = serde_json::from_slice(&db.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "id": "m-api,m-web", "time": "1970-01-01T00:00:00Z", "namespace": "shop",
                "secrets": [{ "name": "db", "version": "7", "keys": ["host", "password"] }],
                "workloads": [
                    { "kind": "Deployment", "name": "api", "id": "m-api" },
                    { "kind": "Deployment", "name": "web", "id": "m-web" },
                ],
            })
        );
        assert_eq!((both.id.as_str(), both.secrets.len(), both.workloads.len()), ("m-both", 2, 1));
    }
}
