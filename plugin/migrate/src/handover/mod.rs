//! The hand-over of a running cluster, object by object: which step is next, forward and back.
//!
//! What a Secret is about to lose its owner is decided from what the cluster says at that moment and
//! from nothing else: every decision takes the [`Facts`] of one object, read anew, and gives one
//! [`Next`]. So a hand-over can be killed anywhere and goes on where it was, whoever acted meanwhile.
//!
//! The protocol is that of the guide (`plugin/MIGRATION.md`, section 5):
//! the KES object is parked under a controller id that no KES has and KES is stopped, its owner
//! reference is demoted, the new ExternalSecret adopts the Secret, and only what is adopted is
//! retired, orphaning, by uid.

mod back;
mod blocker;
pub mod codes;
pub mod copy;
mod facts;
mod fingerprint;
mod forward;
mod gitops;
mod installation;
mod keys;
mod needs;
mod request;
#[cfg(test)]
mod tests;

use std::fmt;

pub use back::back;
pub use blocker::Blocker;
pub use facts::{Checked, Facts, New, Old, Owner, Secret, Shadow, Stage};
pub use fingerprint::{Fingerprints, Key};
pub use forward::{compare, forward, obstacles, outline};
pub use gitops::{Manager, Tool};
pub use installation::{Definition, Deployment, Installation, Pod};
pub use keys::Keys;
pub use needs::{Need, needs, words};
pub use request::{Body, Deletion, Request, Resource, spec_id};

/// The group of kubernetes-external-secrets.
pub const KES_GROUP: &str = "kubernetes-client.io";

/// The `controllerId` of an object that no KES shall look at. KES reads only objects whose id is its
/// own `INSTANCE_ID` (kes-migration 3.14, step 3); the guide uses the same word.
pub const PARKED: &str = "handed-over";

/// What the objects are marked with that a hand-over makes.
pub const LABEL: &str = "extsecret.io/handover";

/// The annotation whose change makes a controller look at an ExternalSecret again.
pub const TOUCHED: &str = "extsecret.io/handover-touched";

/// How far a hand-over goes; the steps of kes-migration 3.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// 0: everything is looked at.
    Preflight,
    /// 1: the stores are Ready.
    Stores,
    /// 2: a shadow of the Secret was written and compared.
    Shadow,
    /// 3: the KES objects are parked, and KES is stopped.
    Stop,
    /// 4: the KES object is no controller of the Secret.
    Demote,
    /// 5: the new ExternalSecret is.
    Adopt,
    /// 6: the KES object is gone.
    Retire,
    /// 7: KES is gone.
    Remove,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Preflight,
        Self::Stores,
        Self::Shadow,
        Self::Stop,
        Self::Demote,
        Self::Adopt,
        Self::Retire,
        Self::Remove,
    ];

    /// As typed and printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Stores => "stores",
            Self::Shadow => "shadow",
            Self::Stop => "stop",
            Self::Demote => "demote",
            Self::Adopt => "adopt",
            Self::Retire => "retire",
            Self::Remove => "remove",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A Secret that changes hands: the KES object of its name, and the ExternalSecret that wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Of all three.
    pub namespace: String,
    /// Of the Secret, and so of its KES object (kes-migration 1.9).
    pub secret: String,
    /// Of the ExternalSecret of `external-secrets.io/v1`.
    pub new: String,
}

impl Pair {
    /// Of the ExternalSecret, and of its Secret, that are made to compare and go again.
    pub fn shadow(&self) -> String {
        request::suffixed(&self.new, "-eso-shadow")
    }

    /// Of the ConfigMap that keeps the KES object for the way back.
    pub fn copy(&self) -> String {
        request::prefixed(copy::PREFIX, &self.secret)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.secret)
    }
}

/// How a person wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Other bytes in the Secret, and other keys, are wanted.
    pub accept_changes: bool,
    /// The owner reference of the KES object is removed, not only demoted.
    pub hard_demote: bool,
}

/// What there is to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// One change of the cluster.
    Write(Write),
    /// The shadow is there: compare it.
    Compare,
    /// KES has to be stopped first.
    StopKes,
    /// Somebody else has to do something first.
    Wait(Wait),
    /// It cannot go on.
    Stop(Vec<Blocker>),
    /// Nothing is left to do.
    Done,
}

/// A change of one object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Keep the KES object for the way back.
    Keep,
    /// Make the shadow.
    Shadow,
    /// Delete the shadow, which owns nothing but its own Secret.
    DropShadow {
        /// Its uid.
        uid: String,
    },
    /// Park the KES object.
    Park {
        /// Its uid.
        uid: String,
    },
    /// Make an owner reference that of no controller, or remove it.
    Demote(Reference),
    /// Write the ExternalSecret.
    Apply,
    /// Make its controller look again.
    Touch {
        /// Its uid.
        uid: String,
    },
    /// Delete the KES object, without what it owns.
    Retire {
        /// Its uid.
        uid: String,
    },
    /// Back: make the KES object anew, parked.
    Restore,
    /// Back: make a reference the controller's.
    Promote(Reference),
    /// Back: make a reference to an object that is gone one to the object that was made anew.
    Renew(Reference),
    /// Back: give the Secret an owner reference of the KES object.
    Own {
        /// The Secret's uid.
        secret: String,
        /// The Secret's version, so that nobody else became an owner meanwhile.
        version: String,
        /// True if there are owner references already.
        others: bool,
        /// The KES object's uid.
        owner: String,
    },
    /// Back: make the ExternalSecret let go of its Secret.
    Orphan {
        /// Its uid.
        uid: String,
    },
    /// Back: delete the ExternalSecret, which owns nothing any more.
    DropNew {
        /// Its uid.
        uid: String,
    },
    /// Back: give the KES object its own controller id.
    Unpark {
        /// Its uid.
        uid: String,
        /// The id it had.
        controller_id: Option<String>,
    },
    /// Back: the copy has served.
    Forget {
        /// Its uid.
        uid: String,
    },
}

/// An owner reference of a Secret, by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The Secret's uid.
    pub secret: String,
    /// Its place in the list.
    pub at: usize,
    /// The uid that it says.
    pub owner: String,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `controller` becomes this.
    Controller(bool),
    /// It goes.
    Remove,
    /// It names another uid.
    Uid(String),
}

/// Who has to do something first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The controller writes the shadow.
    Shadow,
    /// The shadow goes.
    ShadowGone,
    /// The controller takes the Secret; a touch helps if it does not.
    Adoption,
    /// The new ExternalSecret is Ready.
    Ready,
    /// Garbage collection lets the KES object go, and its reference.
    Retirement,
    /// The controller gives the Secret back.
    Release,
    /// The ExternalSecret goes.
    NewGone,
    /// Something is being deleted by somebody.
    Deletion,
}

impl Next {
    /// True if this may be done only where no KES runs: between the parking of an object and its end.
    /// What is done before has to be done while KES runs, and who waits changes nothing.
    pub const fn needs_quiet(&self, until: Step) -> bool {
        match self {
            Self::Write(Write::Demote(_) | Write::Apply | Write::Retire { .. })
            | Self::Wait(Wait::Retirement)
            | Self::StopKes => true,
            Self::Done => matches!(until, Step::Stop | Step::Demote | Step::Adopt),
            _ => false,
        }
    }
}

impl Write {
    /// What was done, for people.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Keep => "kept for the way back",
            Self::Shadow => "shadow asked for",
            Self::DropShadow { .. } => "shadow deleted",
            Self::Park { .. } => "parked",
            Self::Demote(_) => "demoted",
            Self::Apply => "applied",
            Self::Touch { .. } => "touched",
            Self::Retire { .. } => "retired",
            Self::Restore => "made anew, parked",
            Self::Promote(_) => "the controller again",
            Self::Renew(_) => "the owner again",
            Self::Own { .. } => "an owner again",
            Self::Orphan { .. } => "asked to let its Secret go",
            Self::DropNew { .. } => "deleted",
            Self::Unpark { .. } => "back with KES",
            Self::Forget { .. } => "not needed any more",
        }
    }
}

impl Wait {
    /// For people, after "waiting until".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "the controller has written the shadow",
            Self::ShadowGone => "the shadow is gone",
            Self::Adoption => "the new ExternalSecret is the Secret's controller",
            Self::Ready => "the new ExternalSecret is Ready",
            Self::Retirement => "garbage collection has let the KES object go",
            Self::Release => "the new ExternalSecret has let the Secret go",
            Self::NewGone => "the new ExternalSecret is gone",
            Self::Deletion => "what somebody deletes is gone",
        }
    }
}
