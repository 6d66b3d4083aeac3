//! Why a hand-over stops, and what to do.

use extsecret_manifest::diagnostic::{Code, Diagnostic};

use super::codes;

/// Why a Secret cannot change hands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// KES's last poll failed, or there was none.
    Status {
        /// What it says.
        status: Option<String>,
    },
    /// KES has not seen the object's last change.
    Behind,
    /// There is no Secret.
    NoSecret,
    /// The Secret can never change.
    Immutable,
    /// The Secret belongs to a KES object that is not there.
    OtherUid {
        /// The uid in the Secret.
        secret: String,
        /// The uid of the KES object.
        object: String,
    },
    /// There are keys that nobody would write.
    ForeignKeys {
        /// Their names.
        keys: Vec<String>,
    },
    /// Somebody else is the Secret's controller.
    OtherController {
        /// Kind and name.
        owner: String,
        /// Its group.
        group: String,
    },
    /// The Secret would need another type, which it cannot get.
    OtherType {
        /// The type that it has.
        is: String,
        /// The type that is wanted.
        wanted: String,
    },
    /// The shadow is not like the Secret.
    Differs {
        /// Keys that are only in the Secret.
        lost: Vec<String>,
        /// Keys that are only in the shadow.
        added: Vec<String>,
        /// Keys with other values.
        changed: Vec<String>,
    },
    /// The new ExternalSecret would not own its Secret.
    Policy {
        /// Its name.
        name: String,
        /// Its creation policy.
        policy: String,
    },
    /// Two new ExternalSecrets want one Secret.
    Twice {
        /// Their names.
        names: Vec<String>,
    },
    /// The definition goes with a Helm release, and all KES objects and Secrets with it.
    DefinitionOfRelease {
        /// The release.
        release: String,
    },
    /// Pods of KES that no known Deployment keeps.
    StrangePods {
        /// Namespaces and names.
        pods: Vec<String>,
    },
    /// KES runs again and again.
    KesComesBack {
        /// Namespaces and names of its pods.
        pods: Vec<String>,
    },
    /// Somebody deletes it.
    Deleting,
    /// What was waited for did not come.
    Late {
        /// What.
        what: String,
        /// What the object in question says of itself.
        message: Option<String>,
    },
    /// A change was made and undone, again and again.
    Undone {
        /// Which.
        what: String,
    },
    /// There is no copy of a KES object to go back to.
    NoCopy,
    /// The caller lacks permissions.
    Forbidden {
        /// Which, as [`super::words`] says them.
        needs: Vec<String>,
    },
    /// The cluster does not serve what would be written.
    NotServed {
        /// What it says instead.
        what: String,
    },
}

impl Blocker {
    /// Its catalogue entry.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Status { .. } | Self::Behind => &codes::H01,
            Self::NoSecret => &codes::H02,
            Self::Immutable => &codes::H03,
            Self::OtherUid { .. } => &codes::H04,
            Self::ForeignKeys { .. } => &codes::H05,
            Self::OtherController { .. } => &codes::H06,
            Self::OtherType { .. } => &codes::H07,
            Self::Differs { .. } => &codes::H08,
            Self::Policy { .. } => &codes::H09,
            Self::Twice { .. } => &codes::H10,
            Self::DefinitionOfRelease { .. } => &codes::H11,
            Self::StrangePods { .. } | Self::KesComesBack { .. } => &codes::H12,
            Self::Deleting => &codes::H13,
            Self::Late { .. } => &codes::H14,
            Self::Undone { .. } => &codes::H15,
            Self::NoCopy => &codes::H16,
            Self::Forbidden { .. } => &codes::H17,
            Self::NotServed { .. } => &codes::H18,
        }
    }

    /// For people: what is the matter, and what to do where the catalogue is not enough.
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.code(), self.message());
        match self.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Status { status: Some(status) } => {
                format!("KES says of its last poll: {status}")
            }
            Self::Status { status: None } => "KES has never polled it".to_owned(),
            Self::Behind => "KES has not polled it since it was changed".to_owned(),
            Self::NoSecret => "there is no Secret of its name".to_owned(),
            Self::Immutable => "its Secret is immutable".to_owned(),
            Self::OtherUid { secret, object } => format!(
                "its Secret belongs to a KES object with uid {secret}, and the one that is there \
                 has uid {object}"
            ),
            Self::ForeignKeys { keys } => format!(
                "its Secret has {} that neither KES nor the new ExternalSecret writes: {}",
                counted(keys.len(), "key", "keys"),
                keys.join(", ")
            ),
            Self::OtherController { owner, group } => {
                format!("the controller of its Secret is {owner} ({group})")
            }
            Self::OtherType { is, wanted } => {
                format!("its Secret is of type {is}, the new ExternalSecret makes {wanted}")
            }
            Self::Differs { lost, added, changed } => differences(lost, added, changed),
            Self::Policy { name, policy } => format!(
                "the new ExternalSecret {name} has creationPolicy {policy}: the Secret would not \
                 have an owner that keeps it"
            ),
            Self::Twice { names } => {
                format!("several ExternalSecrets want its Secret: {}", names.join(", "))
            }
            Self::DefinitionOfRelease { release } => format!(
                "the definition externalsecrets.kubernetes-client.io belongs to the Helm release \
                 {release}: who uninstalls that deletes all KES objects, and their Secrets"
            ),
            Self::StrangePods { pods } => format!(
                "pods of KES belong to no Deployment that can be scaled: {}",
                pods.join(", ")
            ),
            Self::KesComesBack { pods } => {
                format!("KES was stopped and runs again: {}", pods.join(", "))
            }
            Self::Deleting => "its KES object is being deleted".to_owned(),
            Self::Late { what, message: Some(message) } => {
                format!("waited in vain until {what}; it says: {message}")
            }
            Self::Late { what, message: None } => format!("waited in vain until {what}"),
            Self::Undone { what } => format!("somebody undoes what is done: {what}"),
            Self::NoCopy => "its KES object is gone, and no copy of it is there".to_owned(),
            Self::Forbidden { needs } => format!("you may not {}", needs.join("; ")),
            Self::NotServed { what } => what.clone(),
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::DefinitionOfRelease { .. } => {
                "kubectl annotate customresourcedefinitions.apiextensions.k8s.io \
                 externalsecrets.kubernetes-client.io helm.sh/resource-policy=keep"
                    .to_owned()
            }
            Self::StrangePods { .. } => {
                "name the Deployment with --kes NAMESPACE/NAME, or stop the pods yourself"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

fn differences(lost: &[String], added: &[String], changed: &[String]) -> String {
    let part = |keys: &[String], what: &str| {
        (!keys.is_empty()).then(|| format!("{what}: {}", keys.join(", ")))
    };
    let parts = [
        part(lost, "keys that would be lost"),
        part(changed, "keys with other values"),
        part(added, "keys that would be new"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("the new ExternalSecret would not write what is there: {}", parts.join("; "))
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("a {one}") } else { format!("{count} {many}") }
}
