//! Permissions of namespaces.
//!
//! KES could be told by annotations of a namespace which roles and which keys its objects may use.
//! ESO has nothing like it, so that a migration has two ways to keep the permission: stores for a
//! role that only list the namespaces which permit it, and an admission policy for the keys that
//! reads the same annotation ([`admission`]). KES's own rules, which decide here:
//!
//! * the annotation is a regular expression, found anywhere in the role or key;
//! * without annotation, or with an empty one, everything is permitted, unless KES ran with
//!   `ENFORCE_NAMESPACE_ANNOTATIONS`: then nothing is;
//! * `dataFromWithOptions` was never checked.

pub mod admission;
mod pattern;

use std::collections::BTreeMap;

use extsecret_manifest::diagnostic::Diagnostic;

pub use pattern::{Pattern, Untranslatable};

use crate::codes;
use crate::context::Context;

/// May an object use a role or a key?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As far as the namespace goes.
    Permitted,
    /// KES refused it: the E17 to report, still without place.
    Denied(Diagnostic),
    /// It cannot be told, because the namespace or the meaning of its annotation is not known: the
    /// E10 to report, still without place. Taking it for permitted could grant what was denied.
    Unclear(Diagnostic),
}

/// The permissions of all namespaces.
#[derive(Clone, Copy, Debug)]
pub struct Permissions<'a> {
    role_annotation: &'a str,
    key_annotation: &'a str,
    enforced: bool,
    namespaces: &'a BTreeMap<String, BTreeMap<String, String>>,
}

/// Roles or keys; their rules are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Role,
    Key,
}

impl<'a> Permissions<'a> {
    /// The permissions as KES read them. `enforced` is for runs without a KES Deployment; the
    /// Deployment's own setting counts as well. An error when the names of the annotations cannot
    /// be known.
    pub fn new(context: &'a Context, enforced: bool) -> Result<Self, Diagnostic> {
        Ok(Self {
            role_annotation: context.role_annotation()?,
            key_annotation: context.key_annotation()?,
            enforced: enforced || context.enforce_annotations(),
            namespaces: &context.namespaces,
        })
    }

    /// True when a namespace without annotation permits nothing.
    pub const fn enforced(&self) -> bool {
        self.enforced
    }

    /// The name of the annotation that permits keys.
    pub const fn key_annotation(&self) -> &'a str {
        self.key_annotation
    }

    /// May objects of the namespace use the role (`roleArn`, or else `vaultRole`)? Objects without
    /// a role need not ask.
    pub fn permits_role(&self, namespace: &str, role: &str) -> Verdict {
        self.permits(namespace, Subject::Role, role)
    }

    /// May objects of the namespace use the key (of `data[].key`, `data[].path`, `dataFrom[]`)?
    pub fn permits_key(&self, namespace: &str, key: &str) -> Verdict {
        self.permits(namespace, Subject::Key, key)
    }

    /// The W04 of a namespace with an annotation that nothing enforces any more; `None` when there
    /// is no such annotation. `roles` and `keys` say whether the stores' conditions and the
    /// admission policy keep the permission up.
    pub fn lost(&self, namespace: &str, roles: bool, keys: bool) -> Option<Diagnostic> {
        let mut limits = Vec::new();
        for (subject, kept) in [(Subject::Role, roles), (Subject::Key, keys)] {
            if kept {
                continue;
            }
            if let Some(pattern) = self.annotation(namespace, subject) {
                limits.push(format!("{}s that match {pattern:?}", subject.name()));
            }
        }
        if limits.is_empty() {
            return None;
        }
        let message = format!(
            "namespace {namespace} was limited to {}; from now on its objects can use every role \
             and key of the stores that it may use",
            limits.join(" and to ")
        );
        Some(Diagnostic::new(&codes::W04, message))
    }

    /// A W04 for every annotation that an admission policy, or a decision made here, cannot read
    /// as KES did.
    pub fn untranslatable(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for namespace in self.namespaces.keys() {
            for subject in [Subject::Role, Subject::Key] {
                let Some(pattern) = self.annotation(namespace, subject) else { continue };
                let Err(error) = Pattern::new(pattern) else { continue };
                let annotation = self.name(subject);
                let message = format!(
                    "annotation {annotation} of namespace {namespace}, {pattern:?}, uses {error}"
                );
                found.push(Diagnostic::new(&codes::W04, message).help(
                    "write the annotation without it before you apply the policy, which would \
                     refuse the namespace's objects or read the pattern differently",
                ));
            }
        }
        found
    }

    fn permits(&self, namespace: &str, subject: Subject, value: &str) -> Verdict {
        let annotation = self.name(subject);
        if !self.namespaces.contains_key(namespace) {
            let message = format!(
                "it cannot be told whether namespace {namespace} permits the {}: its annotations \
                 were not given",
                subject.name()
            );
            return Verdict::Unclear(
                Diagnostic::new(&codes::E10, message)
                    .help("add the namespaces to the input: `kubectl get namespaces -o yaml`"),
            );
        }
        let Some(pattern) = self.annotation(namespace, subject) else {
            if !self.enforced {
                return Verdict::Permitted;
            }
            let message = format!(
                "namespace {namespace} has no annotation {annotation}, which KES demanded \
                 (ENFORCE_NAMESPACE_ANNOTATIONS)"
            );
            return Verdict::Denied(Diagnostic::new(&codes::E17, message));
        };
        match Pattern::new(pattern) {
            Ok(compiled) if compiled.is_match(value) => Verdict::Permitted,
            Ok(_) => {
                let message = format!(
                    "namespace {namespace} permits only {}s that match {pattern:?} (annotation \
                     {annotation}), so KES refused {value:?} too",
                    subject.name()
                );
                Verdict::Denied(Diagnostic::new(&codes::E17, message))
            }
            Err(error) => {
                let message = format!(
                    "it cannot be told whether namespace {namespace} permits {value:?}: its \
                     annotation {annotation}, {pattern:?}, uses {error}"
                );
                Verdict::Unclear(
                    Diagnostic::new(&codes::E10, message)
                        .help("write the annotation without it, with the same meaning"),
                )
            }
        }
    }

    /// An annotation that is there and not empty.
    fn annotation(&self, namespace: &str, subject: Subject) -> Option<&'a str> {
        let pattern = self.namespaces.get(namespace)?.get(self.name(subject))?;
        Some(pattern.as_str()).filter(|pattern| !pattern.is_empty())
    }

    const fn name(&self, subject: Subject) -> &'a str {
        match subject {
            Subject::Role => self.role_annotation,
            Subject::Key => self.key_annotation,
        }
    }
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Key => "key",
        }
    }
}

#[cfg(test)]
mod tests {
    use extsecret_manifest::node::Node;
    use extsecret_manifest::source::FileId;
    use serde_json::json;

    use super::*;

    fn context(namespaces: &[(&str, serde_json::Value)]) -> Context {
        let mut context = Context::default();
        for (name, annotations) in namespaces {
            let object = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "annotations": annotations},
            });
            assert_eq!(context.add_namespace(FileId(0), &Node::from(object)), None);
        }
        context
    }

    fn two() -> Context {
        context(&[
            (
                "app",
                json!({
                    "externalsecrets.kubernetes-client.io/permitted-key-name": "^/app/",
                    "iam.amazonaws.com/permitted": "role/app-.*",
                }),
            ),
            ("web", json!({"iam.amazonaws.com/permitted": ""})),
        ])
    }

    #[test]
    fn annotations_decide_as_in_kes() {
        let context = two();
        let open = Permissions::new(&context, false).unwrap();
        assert_eq!(open.permits_role("app", "arn:aws:iam::1:role/app-reader"), Verdict::Permitted);
        assert_eq!(open.permits_role("web", "arn:aws:iam::1:role/db"), Verdict::Permitted);
        assert_eq!(open.permits_key("app", "/app/x"), Verdict::Permitted);
        assert_eq!(open.permits_key("web", "/anything"), Verdict::Permitted);
        let Verdict::Denied(diagnostic) = open.permits_role("app", "arn:aws:iam::1:role/db") else {
            panic!("the role is not permitted");
        };
        assert_eq!(diagnostic.code.id, "E17");
        assert!(diagnostic.message.contains("KES refused"), "{}", diagnostic.message);
        assert!(matches!(open.permits_key("app", "/other"), Verdict::Denied(_)));

        let enforced = Permissions::new(&context, true).unwrap();
        assert_eq!(enforced.permits_key("app", "/app/x"), Verdict::Permitted);
        assert!(matches!(enforced.permits_key("web", "/x"), Verdict::Denied(_)));
        assert!(matches!(enforced.permits_role("web", "r"), Verdict::Denied(_)), "empty is absent");
    }

    #[test]
    fn what_is_not_known_is_not_permitted() {
        let context = context(&[(
            "odd",
            json!({"externalsecrets.kubernetes-client.io/permitted-key-name": "^(?!prod)"}),
        )]);
        let permissions = Permissions::new(&context, false).unwrap();
        assert!(matches!(permissions.permits_key("elsewhere", "k"), Verdict::Unclear(_)));
        assert!(matches!(permissions.permits_key("odd", "k"), Verdict::Unclear(_)));
        let reported = permissions.untranslatable();
        assert_eq!(reported.len(), 1);
        assert!(reported[0].message.contains("look-ahead"), "{}", reported[0].message);
    }

    #[test]
    fn lost_permissions_are_listed_unless_kept() {
        let context = two();
        let permissions = Permissions::new(&context, false).unwrap();
        let all = permissions.lost("app", false, false).unwrap();
        assert_eq!(all.code.id, "W04");
        assert!(all.message.contains("^/app/") && all.message.contains("role/app-.*"));
        let keys = permissions.lost("app", true, false).unwrap();
        assert!(keys.message.contains("^/app/") && !keys.message.contains("role/app-.*"));
        assert_eq!(permissions.lost("app", true, true), None);
        assert_eq!(permissions.lost("web", false, false), None);
        assert_eq!(permissions.lost("elsewhere", false, false), None);
    }
}
