//! One Secret, those who write it, and garbage collection, as kes-migration 1.9, 1.10 and 3.13 say.

use extsecret_migrate::handover::copy::{Copy, clean};
use extsecret_migrate::handover::{
    Change, Checked, Facts, Installation, Key, New, Old, PARKED, Pair, Pod, Reference, Secret,
    Shadow, Write,
};
use serde_json::{Value, json};

/// Owner references: whether of KES, the uid, and whether it is the controller's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owner {
    kes: bool,
    uid: u32,
    controller: bool,
}

#[derive(Clone, Debug)]
struct KesObject {
    uid: u32,
    parked: bool,
    deleting: bool,
}

#[derive(Clone, Debug)]
struct NewObject {
    uid: u32,
    orphan: bool,
    ready: Option<bool>,
    deleting: bool,
    /// Its controller has a reason to look.
    called: bool,
}

#[derive(Clone, Debug)]
struct ShadowObject {
    uid: u32,
    written: bool,
    deleting: bool,
}

#[derive(Clone, Debug)]
struct TheSecret {
    uid: u32,
    version: u32,
    owners: Vec<Owner>,
}

/// What somebody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    PollBegins,
    PollEnds,
    PodStops,
    PodStarts,
    EsoLooks,
    EsoLooksAtShadow,
    GarbageGoes,
    PersonScalesUp,
    PersonUnparks,
    PersonDeletesNew,
    PluginDies,
}

/// What goes on by itself, in turns.
pub(crate) const NATURE: [Event; 7] = [
    Event::PollBegins,
    Event::PollEnds,
    Event::PodStops,
    Event::PodStarts,
    Event::EsoLooks,
    Event::EsoLooksAtShadow,
    Event::GarbageGoes,
];

/// All that is.
#[derive(Clone, Debug)]
pub(crate) struct World {
    last: u32,
    old: Option<KesObject>,
    new: Option<NewObject>,
    shadow: Option<ShadowObject>,
    secret: TheSecret,
    /// The uid of the KES object that was copied.
    copy: Option<u32>,
    scaled: bool,
    pod: bool,
    /// The object that KES polls, as it remembers it.
    poll: Option<u32>,
    /// What the plugin remembers.
    mine: Option<u32>,
    pub(crate) checked: Option<Checked>,
}

pub(crate) fn pair() -> Pair {
    Pair { namespace: "app".into(), secret: "hello".into(), new: "hello".into() }
}

/// The ExternalSecret of the files.
pub(crate) fn wanted() -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "hello", "namespace": "app" },
        "spec": {
            "secretStoreRef": { "kind": "ClusterSecretStore", "name": "s1" },
            "target": { "name": "hello", "creationPolicy": "Owner" },
            "data": [{ "secretKey": "password", "remoteRef": { "key": "hello" } }],
        },
    })
}

impl World {
    /// KES has written the Secret, and runs.
    pub(crate) fn new() -> Self {
        Self {
            last: 2,
            old: Some(KesObject { uid: 1, parked: false, deleting: false }),
            new: None,
            shadow: None,
            secret: TheSecret {
                uid: 2,
                version: 1,
                owners: vec![Owner { kes: true, uid: 1, controller: true }],
            },
            copy: None,
            scaled: true,
            pod: true,
            poll: None,
            mine: None,
            checked: None,
        }
    }

    fn uid(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn lives(&self, owner: &Owner) -> bool {
        if owner.kes {
            self.old.as_ref().is_some_and(|old| old.uid == owner.uid)
        } else {
            self.new.as_ref().is_some_and(|new| new.uid == owner.uid)
        }
    }

    fn own(&mut self, change: impl FnOnce(&mut Vec<Owner>)) {
        change(&mut self.secret.owners);
        self.secret.version += 1;
    }

    /// Lets something happen.
    ///
    /// # Panics
    /// If the Secret is lost by it.
    pub(crate) fn happens(&mut self, event: Event) {
        match event {
            Event::PollBegins => {
                let polled = self.old.as_ref().filter(|old| !old.parked && !old.deleting);
                if self.pod && self.poll.is_none() {
                    self.poll = polled.map(|old| old.uid);
                }
            }
            Event::PollEnds => {
                // A blind PUT, with the owner in memory as the only one.
                if let Some(uid) = self.poll.take() {
                    self.own(|owners| *owners = vec![Owner { kes: true, uid, controller: true }]);
                }
            }
            Event::PodStops if !self.scaled => (self.pod, self.poll) = (false, None),
            Event::PodStarts => self.pod |= self.scaled,
            Event::EsoLooks => self.eso_looks(),
            Event::EsoLooksAtShadow => {
                if let Some(shadow) = self.shadow.as_mut().filter(|it| !it.deleting) {
                    shadow.written = true;
                }
            }
            Event::GarbageGoes => self.garbage_goes(),
            Event::PersonScalesUp => self.scaled = true,
            Event::PersonUnparks => {
                if let Some(old) = &mut self.old {
                    old.parked = false;
                }
            }
            Event::PersonDeletesNew => {
                let kept = |owner: &Owner| owner.kes && self.lives(owner);
                let leaves = self.old.as_ref().is_some_and(|old| old.deleting);
                // With nobody else to keep it that deletes the Secret, and is what the person wants.
                if !leaves
                    && self.secret.owners.iter().any(kept)
                    && let Some(new) = &mut self.new
                {
                    new.deleting = true;
                }
            }
            Event::PluginDies => (self.mine, self.checked) = (None, None),
            Event::PodStops => {}
        }
    }

    fn eso_looks(&mut self) {
        let Some(new) = self.new.as_mut().filter(|new| new.called && !new.deleting) else { return };
        new.called = false;
        let uid = new.uid;
        let other = |owner: &Owner| owner.controller && owner.uid != uid;
        if new.orphan {
            new.ready = Some(true);
            if self.secret.owners.iter().any(|it| it.uid == uid) {
                self.own(|owners| owners.retain(|owner| owner.uid != uid));
            }
        } else if self.secret.owners.iter().any(other) {
            new.ready = Some(false);
        } else {
            new.ready = Some(true);
            self.own(|owners| {
                owners.retain(|owner| owner.uid != uid);
                owners.push(Owner { kes: false, uid, controller: true });
            });
        }
    }

    fn garbage_goes(&mut self) {
        self.new = self.new.take().filter(|new| !new.deleting);
        self.shadow = self.shadow.take().filter(|shadow| !shadow.deleting);
        if let Some(old) = self.old.take_if(|old| old.deleting) {
            // It was deleted as an orphan.
            self.own(|owners| owners.retain(|owner| owner.uid != old.uid));
        }
        let (living, dead): (Vec<_>, Vec<_>) =
            self.secret.owners.iter().cloned().partition(|owner| self.lives(owner));
        assert!(dead.is_empty() || !living.is_empty(), "the Secret is deleted: {self:?}");
        if !dead.is_empty() {
            self.own(|owners| *owners = living);
        }
    }

    /// Whether anything of KES may still write.
    pub(crate) fn kes(&self) -> Installation {
        let pod = Pod { namespace: "kes".into(), name: "kes".into(), scalable: true };
        Installation { pods: vec![pod; usize::from(self.pod)], ..Installation::default() }
    }

    /// The plugin stops KES: its pod goes some time later.
    pub(crate) fn stop_kes(&mut self) {
        self.scaled = false;
    }

    /// The plugin starts KES.
    pub(crate) fn start_kes(&mut self) {
        self.scaled = true;
    }

    fn old_object(old: &KesObject) -> Value {
        let mut object = json!({
            "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": "hello", "namespace": "app", "uid": old.uid.to_string() },
            "spec": {
                "backendType": "secretsManager", "data": [{ "key": "hello", "name": "password" }],
            },
            "status": { "status": "SUCCESS" },
        });
        if old.parked {
            object["spec"]["controllerId"] = json!(PARKED);
        }
        if old.deleting {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        object
    }

    fn new_object(new: &NewObject) -> Value {
        let mut object = wanted();
        object["metadata"]["uid"] = json!(new.uid.to_string());
        if new.orphan {
            object["spec"]["target"]["creationPolicy"] = json!("Orphan");
        }
        if new.deleting {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        if let Some(ready) = new.ready {
            let status = if ready { "True" } else { "False" };
            object["status"] = json!({ "conditions": [{ "type": "Ready", "status": status }] });
        }
        object
    }

    /// What the plugin reads.
    pub(crate) fn facts(&self) -> Facts {
        let key = Key::new([7; 32]);
        let secret = |uid: u32, version: u32, owners: &[Owner]| {
            let owner = |owner: &Owner| {
                let group = if owner.kes { "kubernetes-client.io" } else { "external-secrets.io" };
                json!({
                    "apiVersion": format!("{group}/v1"), "kind": "ExternalSecret", "name": "hello",
                    "uid": owner.uid.to_string(), "controller": owner.controller,
                })
            };
            let object = json!({
                "type": "Opaque", "data": { "password": "cGFzcw==" },
                "metadata": {
                    "uid": uid.to_string(), "resourceVersion": version.to_string(),
                    "ownerReferences": owners.iter().map(owner).collect::<Vec<_>>(),
                },
            });
            Secret::of(&object, &pair(), &key)
        };
        let TheSecret { uid, version, owners } = &self.secret;
        let copy = self.copy.map(|of| {
            let object =
                clean(&Self::old_object(&KesObject { uid: of, parked: false, deleting: false }));
            Copy { uid: "copy".into(), of: of.to_string(), pair: pair(), object }
        });
        let shadow = self.shadow.as_ref().map(|shadow| Shadow {
            new: New::of(&Self::new_object(&NewObject {
                uid: shadow.uid,
                orphan: false,
                ready: shadow.written.then_some(true),
                deleting: shadow.deleting,
                called: false,
            })),
            mine: self.mine == Some(shadow.uid),
            secret: shadow.written.then(|| secret(shadow.uid + 1000, 1, &[])),
        });
        Facts {
            old: self.old.as_ref().map(|old| Old::of(Self::old_object(old))),
            secret: Some(secret(*uid, *version, owners)),
            new: self.new.as_ref().map(|new| New::of(&Self::new_object(new))),
            shadow,
            copy,
            checked: self.checked.clone(),
        }
    }

    fn is(object: Option<u32>, uid: &str) -> bool {
        object.is_some_and(|object| object.to_string() == uid)
    }

    /// A change, if what it asks for is still so.
    pub(crate) fn write(&mut self, write: &Write) {
        let old = self.old.as_ref().map(|old| old.uid);
        let new = self.new.as_ref().map(|new| new.uid);
        let shadow = self.shadow.as_ref().map(|shadow| shadow.uid);
        match write {
            Write::Keep => self.copy = old,
            Write::Forget { .. } => self.copy = None,
            Write::Shadow if shadow.is_none() => {
                let uid = self.uid();
                self.shadow = Some(ShadowObject { uid, written: false, deleting: false });
                self.mine = Some(uid);
            }
            Write::DropShadow { uid } if Self::is(shadow, uid) => {
                self.shadow.as_mut().unwrap().deleting = true;
            }
            Write::Park { uid } if Self::is(old, uid) => self.old.as_mut().unwrap().parked = true,
            Write::Unpark { uid, .. } if Self::is(old, uid) => {
                self.old.as_mut().unwrap().parked = false;
            }
            Write::Retire { uid } if Self::is(old, uid) => {
                self.old.as_mut().unwrap().deleting = true;
            }
            Write::Restore if old.is_none() => {
                let uid = self.uid();
                self.old = Some(KesObject { uid, parked: true, deleting: false });
            }
            Write::Apply => {
                let uid = self.uid();
                let fresh =
                    NewObject { uid, orphan: false, ready: None, deleting: false, called: true };
                let new = self.new.get_or_insert(fresh);
                new.called |= std::mem::take(&mut new.orphan);
            }
            Write::Touch { uid } if Self::is(new, uid) => self.new.as_mut().unwrap().called = true,
            Write::Orphan { uid } if Self::is(new, uid) => {
                let new = self.new.as_mut().unwrap();
                (new.orphan, new.called) = (true, true);
            }
            Write::DropNew { uid } if Self::is(new, uid) => {
                self.new.as_mut().unwrap().deleting = true;
            }
            Write::Demote(it) | Write::Promote(it) | Write::Renew(it) => self.refer(it),
            Write::Own { secret, version, owner, .. }
                if self.secret.uid.to_string() == *secret
                    && self.secret.version.to_string() == *version =>
            {
                let uid = owner.parse().unwrap();
                self.own(|owners| owners.push(Owner { kes: true, uid, controller: false }));
            }
            _ => {}
        }
    }

    fn refer(&mut self, Reference { secret, at, owner, change }: &Reference) {
        let known = self.secret.owners.get(*at);
        let same = known.is_some_and(|known| known.uid.to_string() == *owner);
        if !same || self.secret.uid.to_string() != *secret {
            return;
        }
        let others = self.secret.owners.iter().enumerate();
        let others = others.filter(|(place, it)| place != at && it.controller).count();
        match change {
            // The API server knows one controller only.
            Change::Controller(true) if others > 0 => {}
            Change::Controller(controller) => {
                self.own(|owners| owners[*at].controller = *controller);
            }
            Change::Remove => self.own(|owners| {
                owners.remove(*at);
            }),
            Change::Uid(uid) => {
                let uid = uid.parse().unwrap();
                self.own(|owners| owners[*at].uid = uid);
            }
        }
    }

    /// True if KES keeps the Secret as it did at first.
    pub(crate) fn is_back(&self) -> bool {
        let old = self.old.as_ref();
        old.is_some_and(|old| {
            !old.parked
                && !old.deleting
                && self.secret.owners == [Owner { kes: true, uid: old.uid, controller: true }]
        }) && self.new.is_none()
            && self.shadow.is_none()
    }

    /// True if the new object keeps it, and nothing of KES does.
    pub(crate) fn is_over(&self) -> bool {
        let uid = self.new.as_ref().map_or(0, |new| new.uid);
        self.old.is_none()
            && self.shadow.is_none()
            && self.secret.owners == [Owner { kes: false, uid, controller: true }]
    }
}
