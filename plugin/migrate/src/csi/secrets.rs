//! The Secrets of a class: those that the CSI driver synced, or one with the files of the mount.

use std::collections::BTreeMap;

use extsecret_crds::external_secret::{
    CreationPolicy, DeletionPolicy, ExternalSecretData, ExternalSecretSpec, ExternalSecretTarget,
    ExternalSecretTemplate, RemoteRef, TemplateEngineVersion, TemplateMergePolicy,
    TemplateMetadata,
};
use extsecret_crds::provider::aws::AwsService;
use extsecret_crds::rules::{self, Rule};

use super::class::{Class, Synced, TLS};
use super::descriptor::{File, OBJECTS};
use crate::codes;
use crate::comments::{self, Carried, Field, Moves};
use crate::finding::{Findings, WithHelp};
use crate::kes::is_secret_key;
use crate::template::literal;

/// One Secret to be, still without its store.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) spec: ExternalSecretSpec,
    /// The service of each item of `data`.
    pub(super) services: Vec<AwsService>,
    /// The file behind each item of `data`; none where the value is not that of the file.
    pub(super) files: Vec<Option<usize>>,
    pub(super) comments: Vec<Carried>,
}

/// Where the fields of an object are found again, below its item of `data`.
const OBJECT_FIELDS: &[Field] = &[
    ("objectName", &["remoteRef", "key"]),
    ("objectAlias", &["secretKey"]),
    ("objectType", &["remoteRef", "key"]),
    ("objectVersion", &["remoteRef", "version"]),
    ("objectVersionLabel", &["remoteRef", "version"]),
    ("jmesPath", &[]),
];

const MEMBER_FIELDS: &[Field] =
    &[("path", &["remoteRef", "property"]), ("objectAlias", &["secretKey"])];

const KEY_FIELDS: &[Field] = &[("key", &["secretKey"]), ("objectName", &["remoteRef", "key"])];

/// Plans the Secrets of a class.
pub(super) fn plan(class: &Class<'_>, found: &mut Findings<'_>) -> Vec<Planned> {
    let mut moves = Moves::of(&class.opened);
    moves_of_class(&mut moves);
    let mut planned: Vec<Planned> = if class.secrets.is_empty() {
        vec![mounted(class, &mut moves)]
    } else {
        let secrets = class.secrets.iter().enumerate();
        secrets.map(|(number, secret)| synced(class, number, secret, &mut moves, found)).collect()
    };
    for (number, planned) in planned.iter().enumerate() {
        // The API's own rules have the last word: what they refuse would never be applied.
        for violation in rules::check_external_secret(&planned.spec) {
            let code =
                if violation.rule == Rule::NoIssuedToken { &codes::E13 } else { &codes::E16 };
            let span = class.secrets.get(number).map(|secret| secret.span).unwrap_or_default();
            found.at(code, span, violation.field, violation.message);
        }
    }
    if moves.enabled() {
        let carried = comments::collect(&class.opened, &moves);
        for (planned, carried) in
            planned.iter_mut().zip(comments::deal(carried, class.secrets.len().max(1)))
        {
            planned.comments = carried;
        }
    }
    planned
}

fn moves_of_class(moves: &mut Moves) {
    for (source, target) in [
        ("apiVersion", &["0", "apiVersion"] as &[&str]),
        ("kind", &["0", "kind"]),
        ("spec", &["0", "spec"]),
        ("spec.provider", &["0", "spec", "secretStoreRef"]),
        ("spec.parameters", &["0", "spec", "secretStoreRef"]),
        ("spec.parameters.region", &["0", "spec", "secretStoreRef"]),
        ("spec.parameters.usePodIdentity", &["0", "spec", "secretStoreRef"]),
        (OBJECTS, &["0", "spec", "data"]),
        ("spec.secretObjects", &["0", "spec", "target"]),
    ] {
        moves.field(source, target);
    }
    moves.tree("metadata", &["0", "metadata"]);
}

/// One Secret whose keys are the files.
fn mounted(class: &Class<'_>, moves: &mut Moves) -> Planned {
    let mut taken = BTreeMap::new();
    let mut out = Items::default();
    for (number, file) in class.fetched.files.iter().enumerate() {
        let key = free_key(&file.path, &mut taken);
        if moves.enabled() {
            let at = out.data.len().to_string();
            let fields = if file.property.is_some() { MEMBER_FIELDS } else { OBJECT_FIELDS };
            moves.item(&file.field, &["0", "spec", "data", &at], fields);
        }
        out.push(class, number, file, key);
    }
    out.finish(class.name, None)
}

/// A key for a file: its path, with other characters where a key may not have them.
///
/// `taken` holds the keys so far, each with the last number that was tried behind it.
fn free_key(path: &str, taken: &mut BTreeMap<String, usize>) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let plain: String = path.chars().map(|c| if legal(c) { c } else { '_' }).take(240).collect();
    // The API server refuses these two, and no other legal text.
    let plain = if plain == "." { "_".to_owned() } else { plain };
    debug_assert!(is_secret_key(&plain), "a key of legal characters");
    let mut key = plain.clone();
    while taken.contains_key(&key) {
        let number = taken.entry(plain.clone()).or_insert(1);
        *number += 1;
        key = format!("{plain}-{number}");
    }
    taken.insert(key.clone(), 1);
    key
}

fn synced(
    class: &Class<'_>,
    number: usize,
    secret: &Synced,
    moves: &mut Moves,
    found: &mut Findings<'_>,
) -> Planned {
    let n = number.to_string();
    let field = &secret.field;
    let template = ["target", "template"];
    if moves.enabled() {
        moves.field(field.as_str(), &[&n, "spec", "target"]);
        moves.field(format!("{field}.secretName"), &[&n, "spec", "target", "name"]);
        moves.field(format!("{field}.type"), &[&n, "spec", template[0], template[1], "type"]);
        moves.field(format!("{field}.data"), &[&n, "spec", "data"]);
        for map in ["labels", "annotations"] {
            moves.tree(
                format!("{field}.{map}"),
                &[&n, "spec", template[0], template[1], "metadata", map],
            );
        }
    }
    let mut out = Items::default();
    for key in &secret.data {
        let Some(file) = class.fetched.files.get(key.file) else { continue };
        if moves.enabled() {
            let at = out.data.len().to_string();
            let target = [&n, "spec", "data", &at];
            moves.item(&key.field, &target, KEY_FIELDS);
            let fields = if file.property.is_some() { MEMBER_FIELDS } else { OBJECT_FIELDS };
            moves.item(&file.field, &target, fields);
        }
        out.push(class, key.file, file, key.key.clone());
    }
    if secret.type_ == TLS {
        out.tls(secret, found);
    }
    out.finish(&secret.name, Some(secret))
}

/// The data of a Secret, item by item.
#[derive(Default)]
struct Items {
    data: Vec<ExternalSecretData>,
    services: Vec<AwsService>,
    files: Vec<Option<usize>>,
    template: BTreeMap<String, String>,
}

impl Items {
    fn push(&mut self, class: &Class<'_>, number: usize, file: &File, key: String) {
        let Some(object) = class.fetched.values.get(file.object) else { return };
        self.data.push(ExternalSecretData {
            secret_key: key,
            remote_ref: RemoteRef {
                key: object.key.clone(),
                version: object.version.clone(),
                property: file.property.clone(),
                ..RemoteRef::default()
            },
            ..ExternalSecretData::default()
        });
        self.services.push(object.service.clone());
        self.files.push(Some(number));
    }

    /// The driver kept the certificates of `tls.crt` and the key of `tls.key`, also where both
    /// stand in one text, and put the key into its older form.
    fn tls(&mut self, secret: &Synced, found: &mut Findings<'_>) {
        let file_of = |name: &str| secret.data.iter().find(|key| key.key == name);
        let (certificate, key) = (file_of("tls.crt"), file_of("tls.key"));
        if certificate.is_some() {
            let text = r#"{{ index . "tls.crt" | filterPEM "CERTIFICATE" }}"#;
            self.template.insert("tls.crt".into(), text.into());
        }
        let together = certificate.zip(key).is_some_and(|(one, other)| one.file == other.file);
        if together {
            let kinds = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
            let filters =
                kinds.map(|kind| format!(r#"{{{{ index . "tls.key" | filterPEM "{kind}" }}}}"#));
            self.template.insert("tls.key".into(), filters.concat());
        }
        if let Some(key) = key {
            found
                .at(
                    &codes::W40,
                    key.span,
                    key.field.as_str(),
                    "a private key in the form of PKCS#8 stays in it; the CSI driver rewrote it as an RSA or EC PRIVATE KEY",
                )
                .with_help("compare `tls.key` before the hand-over; the key is the same");
        }
        for (item, file) in self.data.iter().zip(&mut self.files) {
            if self.template.contains_key(&item.secret_key) {
                *file = None;
            }
        }
    }

    fn finish(self, name: &str, secret: Option<&Synced>) -> Planned {
        let literals = |map: &BTreeMap<String, String>| {
            let map: BTreeMap<_, _> =
                map.iter().map(|(k, v)| (k.clone(), literal(v, false))).collect();
            (!map.is_empty()).then_some(map)
        };
        let metadata = secret.map(|secret| TemplateMetadata {
            labels: literals(&secret.labels),
            annotations: literals(&secret.annotations),
            ..TemplateMetadata::default()
        });
        let template = ExternalSecretTemplate {
            type_: secret.map(|secret| secret.type_.clone()),
            engine_version: Some(TemplateEngineVersion::V2),
            merge_policy: Some(TemplateMergePolicy::Merge),
            metadata: metadata.filter(|metadata| *metadata != TemplateMetadata::default()),
            data: (!self.template.is_empty()).then_some(self.template),
            ..ExternalSecretTemplate::default()
        };
        Planned {
            name: name.to_owned(),
            spec: ExternalSecretSpec {
                target: Some(ExternalSecretTarget {
                    name: Some(name.to_owned()),
                    creation_policy: Some(CreationPolicy::Owner),
                    deletion_policy: Some(DeletionPolicy::Retain),
                    template: Some(template),
                    ..ExternalSecretTarget::default()
                }),
                data: Some(self.data),
                ..ExternalSecretSpec::default()
            },
            services: self.services,
            files: self.files,
            comments: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_legal_and_each_its_own() {
        let mut taken = BTreeMap::new();
        let mut key = |path: &str| free_key(path, &mut taken);
        assert_eq!(key("a/b"), "a_b");
        assert_eq!(key("a_b"), "a_b-2");
        assert_eq!(key("a:b"), "a_b-3");
        assert_eq!(key("."), "_");
        assert_eq!(key("\u{fc}.pem"), "_.pem");
        let long = key(&"x".repeat(600));
        assert!(long.len() < 254, "{long}");
    }
}
