//! API objects, with the comments of what they replace.

use std::collections::BTreeMap;

use extsecret_crds::API_VERSION;
use extsecret_crds::external_secret::{
    CreationPolicy, DeletionPolicy, ExternalSecretSpec, ExternalSecretTarget,
    ExternalSecretTemplate, RefreshPolicy, SecretStoreRef, SourceRef, StoreKind,
    TemplateEngineVersion, TemplateMergePolicy,
};
use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;

use crate::backends::{Mapped, Skeleton};
use crate::codes;
use crate::comments::{self, Carried};
use crate::finding::Findings;
use crate::kes::{Kes, text};
use crate::noise;
use crate::report::Output;
use crate::stores::Store;
use crate::template::Template;

/// A converted object that waits for the name of its store.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) controller: Option<String>,
    /// The number of its store's seed.
    pub(crate) seed: usize,
    pub(crate) skeleton: Option<Skeleton>,
    pub(crate) role_chain: bool,
    /// For namespace permissions: the role or Vault role, and every key and path.
    pub(crate) role: Option<String>,
    pub(crate) keys: Vec<String>,
    /// Comments of the List around the object.
    pub(crate) above: Vec<String>,
    /// Items of `data` that read another store, with the number of its seed.
    pub(crate) elsewhere: Vec<(usize, usize)>,
    /// When it is refreshed, where that is not the same for all of a run.
    pub(crate) refresh: Option<Refresh>,
    /// Comment lines above the object.
    pub(crate) notes: Vec<String>,
    pub(crate) metadata: Node,
    pub(crate) spec: ExternalSecretSpec,
    pub(crate) comments: Vec<Carried>,
}

/// When objects are refreshed, the same for all of a run.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) interval: String,
    pub(crate) on_change: bool,
}

/// Puts the parts of an object together (specification 3.5).
pub(crate) fn draft(
    object: &Node,
    kes: &Kes<'_>,
    namespace: Option<&str>,
    seed: usize,
    mut mapped: Mapped,
    mut template: Template,
    found: &mut Findings<'_>,
) -> Draft {
    top_level(object, found);
    let mut moves = std::mem::take(&mut mapped.moves);
    if moves.enabled() {
        let root = kes.root;
        moves.field("apiVersion", &["apiVersion"]);
        moves.field("kind", &["kind"]);
        moves.tree("metadata", &["metadata"]);
        moves.field(root, &["spec"]);
        moves.field(format!("{root}.backendType"), &["spec", "secretStoreRef"]);
        moves.field(format!("{root}.controllerId"), &["spec", "secretStoreRef"]);
        let list = if mapped.data.is_empty() { "dataFrom" } else { "data" };
        moves.field(format!("{root}.data"), &["spec", list]);
        moves.field(format!("{root}.properties"), &["spec", list]);
        moves.field(format!("{root}.dataFrom"), &["spec", "dataFrom"]);
        moves.field(format!("{root}.dataFromWithOptions"), &["spec", "dataFrom"]);
        moves.append(&mut template.moves);
    }
    let comments = if moves.enabled() { comments::collect(object, &moves) } else { Vec::new() };
    // KES never checked dataFromWithOptions.
    let extracts = kes.extracts.iter().filter(|item| item.label.starts_with("dataFrom["));
    let checked = kes.items.iter().chain(&kes.paths).chain(extracts);
    let role = kes.role_arn.as_ref().or(kes.vault_role.as_ref());
    let spec = spec(kes.name, &mut mapped, template);
    // The API's own rules have the last word: what they refuse would never be applied.
    for violation in extsecret_crds::rules::check_external_secret(&spec) {
        found.object(&codes::E16, violation.message).field = Some(violation.field);
    }
    Draft {
        name: kes.name.to_owned(),
        namespace: namespace.map(str::to_owned),
        controller: kes.controller_id.clone(),
        skeleton: mapped.skeleton.take(),
        role_chain: mapped.role_chain,
        role: role.map(|text| text.value.to_string()),
        keys: checked.map(|item| item.key.value.to_string()).collect(),
        metadata: metadata(kes.name, namespace, kes.metadata, found),
        above: Vec::new(),
        elsewhere: Vec::new(),
        refresh: None,
        notes: Vec::new(),
        spec,
        seed,
        comments,
    }
}

fn spec(name: &str, mapped: &mut Mapped, mut template: Template) -> ExternalSecretSpec {
    // A stringData entry of the user's won over fetched values, so it wins over their rebuilding.
    for (key, value) in mapped.template_data.drain(..) {
        template.data.entry(key).or_insert(value);
    }
    let merge_policy = if mapped.hidden.is_empty() {
        TemplateMergePolicy::Merge
    } else {
        for data in mapped.data.iter().filter(|data| !mapped.hidden.contains(&data.secret_key)) {
            let key = &data.secret_key;
            template
                .data
                .entry(key.clone())
                .or_insert_with(|| format!("{{{{ {} }}}}", value_of(key)));
        }
        TemplateMergePolicy::Replace
    };
    let data = std::mem::take(&mut mapped.data);
    let data_from = std::mem::take(&mut mapped.data_from);
    ExternalSecretSpec {
        target: Some(ExternalSecretTarget {
            name: Some(name.to_owned()),
            creation_policy: Some(CreationPolicy::Owner),
            deletion_policy: Some(DeletionPolicy::Retain),
            immutable: template.immutable.then_some(true),
            template: Some(ExternalSecretTemplate {
                type_: template.type_,
                engine_version: Some(TemplateEngineVersion::V2),
                merge_policy: Some(merge_policy),
                metadata: template.metadata,
                data: (!template.data.is_empty()).then_some(template.data),
                ..ExternalSecretTemplate::default()
            }),
            ..ExternalSecretTarget::default()
        }),
        data_from: (!data_from.is_empty()).then_some(data_from),
        data: (!data.is_empty()).then_some(data),
        ..ExternalSecretSpec::default()
    }
}

/// How a template names a fetched value: `.name`, or `index . "na-me"`.
pub(crate) fn value_of(key: &str) -> String {
    let mut chars = key.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { format!(".{key}") } else { format!("index . \"{key}\"") }
}

/// Fields beside `spec`: the status is export noise, others were never KES's.
fn top_level(object: &Node, found: &mut Findings<'_>) {
    for given in object.as_mapping().unwrap_or_default() {
        match given.key.as_str() {
            "apiVersion" | "kind" | "metadata" | "spec" | "secretDescriptor" => {}
            "status" => found.once(&codes::I04, noise::MESSAGE),
            other => {
                found.at(
                    &codes::W02,
                    given.key_span,
                    other,
                    format!("`{other}` is unknown to KES and left out"),
                );
            }
        }
    }
}

/// Name, namespace, labels and annotations; export noise goes (I04), anything else has no meaning
/// on the new object (W02).
pub(crate) fn metadata(
    name: &str,
    namespace: Option<&str>,
    old: &Node,
    found: &mut Findings<'_>,
) -> Node {
    let mut out = vec![entry("name", Value::String(name.into()))];
    if let Some(namespace) = namespace {
        out.push(entry("namespace", Value::String(namespace.into())));
    }
    let mut noise = false;
    for given in old.as_mapping().unwrap_or_default() {
        let field = format!("metadata.{}", given.key);
        match given.key.as_str() {
            "name" | "namespace" => {}
            key if noise::METADATA.contains(&key) => noise = true,
            _ if given.value.is_null() => {}
            "labels" | "annotations" => {
                let mut list = Vec::new();
                for inner in given.value.as_mapping().unwrap_or_default() {
                    if inner.key == noise::LAST_APPLIED {
                        noise = true;
                    } else if let Some(value) =
                        text(&inner.value, format_args!("{field}.{}", inner.key), found)
                    {
                        list.push(entry(&inner.key, Value::String(value.value.into_owned())));
                    }
                }
                if given.value.as_mapping().is_none() {
                    crate::kes::wrong_type(found, &given.value, &field, "object");
                }
                if !list.is_empty() {
                    out.push(entry(&given.key, Value::Mapping(list)));
                }
            }
            other => {
                found.at(
                    &codes::W02,
                    given.key_span,
                    field,
                    format!("metadata.{other} belongs to the old object and is left out"),
                );
            }
        }
    }
    if noise {
        found.once(&codes::I04, noise::MESSAGE);
    }
    Node::new(Value::Mapping(out))
}

impl Draft {
    /// The finished object, and comments that stand elsewhere than their field.
    pub(crate) fn finish(
        self,
        kind: &StoreKind,
        store: &str,
        elsewhere: &[(usize, String)],
        refresh: &Refresh,
    ) -> (Node, Vec<Carried>) {
        let refresh = self.refresh.as_ref().unwrap_or(refresh);
        let store_ref = |name: &str| SecretStoreRef {
            name: Some(name.to_owned()),
            kind: Some(kind.clone()),
            ..SecretStoreRef::default()
        };
        let mut data = self.spec.data;
        for (item, store) in elsewhere {
            if let Some(item) = data.as_mut().and_then(|data| data.get_mut(*item)) {
                item.source_ref =
                    Some(SourceRef { store_ref: Some(store_ref(store)), ..SourceRef::default() });
            }
        }
        let spec = ExternalSecretSpec {
            secret_store_ref: Some(store_ref(store)),
            data,
            refresh_interval: Some(refresh.interval.clone()),
            refresh_policy: refresh.on_change.then_some(RefreshPolicy::OnChange),
            ..self.spec
        };
        let mut node = object(API_VERSION, "ExternalSecret", self.metadata, &spec);
        let strays = comments::place(&mut node, self.comments);
        if !self.notes.is_empty() {
            let before = &mut node.comments_mut().before;
            // An empty line sets them apart from what the user wrote.
            let gap = (!before.is_empty()).then(String::new);
            before.splice(0..0, self.notes.into_iter().chain(gap));
        }
        (node, strays)
    }
}

/// The object of a store.
pub(crate) fn store(store: Store, cluster: bool) -> Output {
    let mut metadata = vec![entry("name", Value::String(store.name.clone()))];
    if let Some(namespace) = &store.namespace {
        metadata.push(entry("namespace", Value::String(namespace.clone())));
    }
    let kind = if cluster { "ClusterSecretStore" } else { "SecretStore" };
    Output {
        origin: None,
        api_version: API_VERSION.into(),
        kind: kind.into(),
        namespace: store.namespace,
        name: store.name,
        above: Vec::new(),
        body: object(API_VERSION, kind, Node::new(Value::Mapping(metadata)), &store.spec),
    }
}

/// A Secret without values. Its keys are only named in comments: a key that stood there empty
/// would empty the user's value again at the next `kubectl apply`.
pub(crate) fn skeleton(skeleton: &Skeleton) -> Output {
    let metadata = Node::new(Value::Mapping(vec![
        entry("name", Value::String(skeleton.name.clone())),
        entry("namespace", Value::String(skeleton.namespace.clone())),
    ]));
    let mut data = entry("data", Value::Mapping(Vec::new()));
    let note = data.value.comments_mut();
    note.before.push(
        "# Add these keys in the cluster; applying this file again leaves them alone.".into(),
    );
    note.before.extend(skeleton.keys.iter().map(|(key, what)| format!("#   {key}: {what}")));
    Output {
        origin: None,
        api_version: "v1".into(),
        kind: "Secret".into(),
        namespace: Some(skeleton.namespace.clone()),
        name: skeleton.name.clone(),
        above: Vec::new(),
        body: Node::new(Value::Mapping(vec![
            entry("apiVersion", Value::String("v1".into())),
            entry("kind", Value::String("Secret".into())),
            Entry { key: "metadata".into(), key_span: Span::default(), value: metadata },
            entry("type", Value::String("Opaque".into())),
            data,
        ])),
    }
}

/// Joins the skeletons of many objects: one per Secret, with all its keys.
pub(crate) fn skeletons<'a>(all: impl IntoIterator<Item = &'a Skeleton>) -> Vec<Skeleton> {
    let mut by_name: BTreeMap<(String, String), BTreeMap<&'static str, String>> = BTreeMap::new();
    for one in all {
        by_name
            .entry((one.namespace.clone(), one.name.clone()))
            .or_default()
            .extend(one.keys.iter().cloned());
    }
    by_name
        .into_iter()
        .map(|((namespace, name), keys)| Skeleton {
            name,
            namespace,
            keys: keys.into_iter().collect(),
        })
        .collect()
}

fn object(api_version: &str, kind: &str, metadata: Node, spec: &impl serde::Serialize) -> Node {
    // The types hold nothing that JSON could not.
    let spec = Node::from(serde_json::to_value(spec).unwrap_or_default());
    Node::new(Value::Mapping(vec![
        entry("apiVersion", Value::String(api_version.into())),
        entry("kind", Value::String(kind.into())),
        Entry { key: "metadata".into(), key_span: Span::default(), value: metadata },
        Entry { key: "spec".into(), key_span: Span::default(), value: spec },
    ]))
}

fn entry(key: &str, value: Value) -> Entry {
    Entry { key: key.into(), key_span: Span::default(), value: Node::new(value) }
}
