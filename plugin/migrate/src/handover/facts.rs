//! What the cluster says of one Secret that changes hands, at one moment.

use extsecret_crds::GROUP;
use serde_json::Value;

use super::copy::Copy;
use super::fingerprint::{Fingerprints, Key};
use super::{KES_GROUP, PARKED, Pair, spec_id};

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The KES object.
    pub old: Option<Old>,
    /// The Secret.
    pub secret: Option<Secret>,
    /// The ExternalSecret of `external-secrets.io`.
    pub new: Option<New>,
    /// The ExternalSecret of the shadow, and its Secret.
    pub shadow: Option<Shadow>,
    /// What is kept for the way back.
    pub copy: Option<Copy>,
    /// What a comparison has found, by the state directory.
    pub checked: Option<Checked>,
}

/// How far the hand-over of a Secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// There is no KES object, and never was one.
    Apart,
    /// KES keeps it.
    WithKes,
    /// KES does not look at it any more, and still owns it.
    Parked,
    /// Nobody is its controller.
    Demoted,
    /// The new ExternalSecret is, and the KES object is still there.
    Adopted,
    /// The KES object is gone.
    Retired,
    /// The KES object is gone, and the Secret was never adopted.
    Lost,
}

impl Stage {
    /// As printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apart => "not of KES",
            Self::WithKes => "with KES",
            Self::Parked => "parked",
            Self::Demoted => "demoted",
            Self::Adopted => "adopted",
            Self::Retired => "handed over",
            Self::Lost => "interrupted",
        }
    }
}

/// A KES object.
#[derive(Clone, Debug)]
pub struct Old {
    /// Its uid.
    pub uid: String,
    /// As it is.
    pub object: Value,
    /// Somebody has deleted it, and it is not gone yet.
    pub deleting: bool,
}

/// A Secret, without its values.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its uid.
    pub uid: String,
    /// Its version.
    pub version: String,
    /// Its type.
    pub kind: String,
    /// It can never change again.
    pub immutable: bool,
    /// Its owners, in order.
    pub owners: Vec<Owner>,
    /// Its values.
    pub values: Fingerprints,
}

/// An owner of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The group of its kind.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// It is the one that writes.
    pub controller: bool,
}

/// An ExternalSecret of `external-secrets.io`.
#[derive(Clone, Debug)]
pub struct New {
    /// Its uid.
    pub uid: String,
    /// The Secret that it writes.
    pub target: String,
    /// Its creation policy.
    pub policy: String,
    /// Its condition `Ready`.
    pub ready: Option<bool>,
    /// What that says.
    pub message: Option<String>,
    /// Somebody has deleted it, and it is not gone yet.
    pub deleting: bool,
    /// What tells its spec from another.
    pub spec: String,
}

/// The shadow.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// Its ExternalSecret.
    pub new: New,
    /// True if it was made in this run: an older one holds the values of another day.
    pub mine: bool,
    /// Its Secret, once it is written.
    pub secret: Option<Secret>,
}

/// A comparison that was passed: with these values in the Secret, and these in the shadow.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checked {
    /// The Secret's uid.
    pub secret: String,
    /// Its values then.
    pub before: Fingerprints,
    /// The shadow's values, which are those after the adoption.
    pub after: Fingerprints,
    /// The spec that wrote them.
    pub spec: String,
}

impl Facts {
    /// True if the new ExternalSecret is the Secret's controller. `Ready` proves nothing
    /// (kes-migration 3.13).
    pub fn adopted(&self) -> bool {
        match (&self.secret, &self.new) {
            (Some(secret), Some(new)) => {
                !new.deleting && secret.controller().is_some_and(|owner| owner.uid == new.uid)
            }
            _ => false,
        }
    }

    /// True if the KES object has the controller id that no KES has.
    pub fn parked(&self) -> bool {
        self.old.as_ref().is_some_and(Old::parked)
    }

    /// How far its hand-over is.
    pub fn stage(&self) -> Stage {
        match (&self.old, self.adopted()) {
            (None, true) => Stage::Retired,
            (None, false) if self.copy.is_some() => Stage::Lost,
            (None, false) => Stage::Apart,
            (Some(_), true) => Stage::Adopted,
            (Some(old), false) if !old.parked() => Stage::WithKes,
            (Some(_), false) => {
                let controller = self.secret.as_ref().and_then(Secret::controller);
                if controller.is_some() { Stage::Parked } else { Stage::Demoted }
            }
        }
    }

    /// True if a hand-over of it was begun, however far it came.
    pub fn begun(&self) -> bool {
        self.copy.is_some() || self.parked()
    }

    /// True if the comparison holds for what the Secret has in it now.
    pub(super) fn compared(&self) -> bool {
        let (Some(checked), Some(secret)) = (&self.checked, &self.secret) else { return false };
        let expected = if self.adopted() { &checked.after } else { &checked.before };
        checked.secret == secret.uid && *expected == secret.values
    }
}

impl Old {
    /// Of what the API says.
    pub fn of(object: Value) -> Self {
        let meta = &object["metadata"];
        let uid = meta["uid"].as_str().unwrap_or_default().to_owned();
        let deleting = meta["deletionTimestamp"].is_string();
        Self { uid, object, deleting }
    }

    /// True if no KES looks at it.
    pub fn parked(&self) -> bool {
        self.object["spec"]["controllerId"] == PARKED
    }

    /// What KES says of its last poll: `SUCCESS`, or `ERROR, ` and a text.
    pub fn status(&self) -> Option<&str> {
        self.object["status"]["status"].as_str()
    }

    /// True if KES has not polled it since it was changed.
    pub fn behind(&self) -> bool {
        let seen = self.object["status"]["observedGeneration"].as_i64();
        let now = self.object["metadata"]["generation"].as_i64();
        seen.zip(now).is_some_and(|(seen, now)| seen < now)
    }
}

impl Secret {
    /// Of what the API says. The values do not outlive the call.
    pub fn of(object: &Value, pair: &Pair, key: &Key) -> Self {
        let meta = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let owner = |it: &Value| Owner {
            group: it["apiVersion"]
                .as_str()
                .and_then(|version| version.split_once('/'))
                .map_or_else(String::new, |(group, _)| group.to_owned()),
            kind: text(&it["kind"]),
            name: text(&it["name"]),
            uid: text(&it["uid"]),
            controller: it["controller"] == true,
        };
        Self {
            uid: text(&meta["uid"]),
            version: text(&meta["resourceVersion"]),
            kind: text(&object["type"]),
            immutable: object["immutable"] == true,
            owners: meta["ownerReferences"].as_array().into_iter().flatten().map(owner).collect(),
            values: key.of_data(pair, &object["data"]),
        }
    }

    /// The owner that writes it.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.controller)
    }

    /// The place of the KES object among the owners.
    pub(super) fn kes(&self) -> Option<(usize, &Owner)> {
        self.owners.iter().enumerate().find(|(_, owner)| owner.is_kes())
    }
}

impl Owner {
    /// True for an ExternalSecret of KES.
    pub fn is_kes(&self) -> bool {
        self.group == KES_GROUP && self.kind == "ExternalSecret"
    }

    /// True for an ExternalSecret of `external-secrets.io`.
    pub fn is_new(&self) -> bool {
        self.group == GROUP && self.kind == "ExternalSecret"
    }
}

impl New {
    /// Of what the API says.
    pub fn of(object: &Value) -> Self {
        let meta = &object["metadata"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = text(&meta["name"]).unwrap_or_default();
        let target = &object["spec"]["target"];
        let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.rfind(|it| it["type"] == "Ready");
        Self {
            uid: text(&meta["uid"]).unwrap_or_default(),
            target: text(&target["name"]).filter(|name| !name.is_empty()).unwrap_or(name),
            policy: text(&target["creationPolicy"]).unwrap_or_else(|| "Owner".to_owned()),
            ready: ready.map(|ready| ready["status"] == "True"),
            message: ready.and_then(|ready| text(&ready["message"])),
            deleting: meta["deletionTimestamp"].is_string(),
            spec: spec_id(object),
        }
    }
}
