//! Objects that look like those of kubernetes-external-secrets and of the Secrets Store CSI driver,
//! with anything in their fields.
//!
//! Whatever comes in: nothing panics, every object of the input is in the report exactly once, a
//! converted object is written exactly once (a class once for each Secret) and a refused one not at
//! all, no two outputs share a
//! name, and everything written reads back as the same value.

#![no_main]

use std::collections::BTreeSet;

use arbitrary::{Result, Unstructured};
use extsecret_manifest::read::{self, Document, Limits};
use extsecret_manifest::source::{FileId, SourceFile, Sources};
use extsecret_manifest::{stream, write};
use extsecret_migrate::options::{Auth, Scope};
use extsecret_migrate::{Context, FileHints, Migrator, Options, Outcome};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Map, Value, json};

/// Fields of a KES spec.
const SPEC: &[&str] = &[
    "backendType", "controllerId", "data", "dataFrom", "dataFromWithOptions", "keyByName",
    "keyVaultName", "kvVersion", "name", "projectId", "properties", "region", "roleArn", "template",
    "type", "vaultMountPoint", "vaultRole",
];

/// Fields of an item of `data`.
const ITEM: &[&str] = &[
    "isBinary", "key", "name", "path", "property", "recursive", "secretType", "type", "version",
    "versionId", "versionStage",
];

/// Fields of a template and of its metadata.
const TEMPLATE: &[&str] = &[
    "annotations", "apiVersion", "data", "finalizers", "immutable", "labels", "metadata", "name",
    "namespace", "ownerReferences", "stringData", "type",
];

/// Fields of the specs of old external-secrets.io objects.
const OLD: &[&str] = &[
    "conditions", "conversionStrategy", "creationPolicy", "data", "dataFrom", "decodingStrategy",
    "deletionPolicy", "engineVersion", "extract", "find", "key", "name", "property", "provider",
    "refreshInterval", "remoteRef", "retrySettings", "secretKey", "secretStoreRef", "target",
    "template", "templateFrom", "version",
];

/// Texts that mean something to one backend or another.
const TEXTS: &[&str] = &[
    "", " ", "a", "a.b", "a-b", "a[0].b", "['x.y'].z", "x|y", "/", "/a/b:3", "/a/b:", "a?version=3",
    "secret/data/app", "secret/data/secret/x", "kv/app", "database/creds/x", "team/kv/data/app/db",
    "AWSCURRENT", "AWSPREVIOUS", "latest", "true", "1", "1e3", "0777", "~", "null", "on",
    "us-east-1", "arn:aws:iam::111122223333:role/r", "arn:aws:ssm:us-east-1:1:parameter/a:3",
    "username_password", "arbitrary", "kv", "iam_credentials", "imported_cert", "payload",
    "payload.x", "username", "password", "Opaque", "kubernetes.io/tls",
    "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "aGVsbG8=", "/+79AA==",
    "pinky pie", "{{ .x }}", "<%= data.x %>", "<% if (x) { %>", "${data.x}", "$", "<%", "<<x>>",
    "external-secrets.io/v1", "v1", "v2", "1h", "Merge", "Owner", "multi\nline\n", "ü", "\u{2028}",
];

/// Fields of an object of a class, and of its members.
const FETCHED: &[&str] = &[
    "objectName", "objectType", "objectAlias", "objectVersion", "objectVersionLabel", "jmesPath",
    "filePermission", "failoverObject", "path", "OBJECTNAME",
];

/// Texts that mean something to the CSI driver or its AWS provider.
const CSI_TEXTS: &[&str] = &[
    "", "a", "b", "a/b", "a_b", "/a", "../a", "a:b", "secretsmanager", "ssmparameter", "0400", "0999",
    "arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf", "arn:aws:ssm:us-east-1:1:parameter/x",
    "arn:aws", "AWSCURRENT", "3", "a.b", "\"a-b\"[0].c", "a[?b]", "length(a)", "False", "_", "true",
    "eu-west-1", "tls.crt", "tls.key", "kubernetes.io/tls", "Opaque", "{{x}}", "${X}", "\u{85}", "x\ny",
];

const BACKENDS: &[&str] = &[
    "secretsManager", "secretManager", "systemManager", "vault", "azureKeyVault",
    "gcpSecretsManager", "ibmcloudSecretsManager", "akeyless", "alicloudSecretsManager", "local",
];

/// What the installation may say, and what it says.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("AWS_REGION", "eu-west-1"),
    ("AWS_INTERMEDIATE_ROLE_ARN", "arn:aws:iam::1:role/mid"),
    ("VAULT_ADDR", "https://v:8200"),
    ("VAULT_NAMESPACE", "ns"),
    ("DEFAULT_VAULT_MOUNT_POINT", "k8s"),
    ("DEFAULT_VAULT_ROLE", "r"),
    ("AZURE_TENANT_ID", "t"),
    ("AZURE_ENVIRONMENT", "AzureUSGovernment"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/app/gcp/creds.json"),
    ("IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT", "https://i"),
    ("IBM_CLOUD_SECRETS_MANAGER_API_AUTH_TYPE", "container"),
    ("AKEYLESS_API_ENDPOINT", "https://a"),
    ("AKEYLESS_ACCESS_ID", "p-1"),
    ("INSTANCE_ID", "blue"),
    ("DISABLE_POLLING", "x"),
    ("POLLER_INTERVAL_MILLISECONDS", "10000"),
    ("ENFORCE_NAMESPACE_ANNOTATIONS", "1"),
    ("WATCHED_NAMESPACES", "app,web"),
];

fn text(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(if u.ratio(4, 5)? { json!(u.choose(TEXTS)?) } else { json!(u.arbitrary::<String>()?) })
}

/// A value of any kind, usually small.
fn any(u: &mut Unstructured<'_>, depth: usize, names: &[&str]) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 8 })? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(u.arbitrary::<i64>()?),
        3 => json!(u.int_in_range(0..=3)?),
        4 | 5 => text(u)?,
        6 => {
            let length = u.int_in_range(0..=4)?;
            (0..length).map(|_| any(u, depth - 1, names)).collect::<Result<_>>()?
        }
        _ => fields(u, names, |u, _| any(u, depth - 1, names))?,
    })
}

/// A map with some of these fields.
fn fields(
    u: &mut Unstructured<'_>,
    names: &[&str],
    mut value: impl FnMut(&mut Unstructured<'_>, &str) -> Result<Value>,
) -> Result<Value> {
    let mut map = Map::new();
    for _ in 0..u.int_in_range(0..=8)? {
        let name = if u.ratio(9, 10)? { (*u.choose(names)?).to_owned() } else { u.arbitrary()? };
        let value = value(u, &name)?;
        map.insert(name, value);
    }
    Ok(Value::Object(map))
}

/// A list that is sometimes something else.
fn list(
    u: &mut Unstructured<'_>,
    mut item: impl FnMut(&mut Unstructured<'_>) -> Result<Value>,
) -> Result<Value> {
    if u.ratio(1, 12)? {
        return any(u, 2, ITEM);
    }
    let length = u.int_in_range(0..=5)?;
    (0..length).map(|_| item(u)).collect()
}

fn item(u: &mut Unstructured<'_>) -> Result<Value> {
    if u.ratio(1, 12)? {
        return any(u, 2, ITEM);
    }
    let mut item = fields(u, ITEM, |u, _| if u.ratio(3, 4)? { text(u) } else { any(u, 1, ITEM) })?;
    if u.ratio(2, 3)? {
        item["key"] = text(u)?;
        item["name"] = json!(u.choose(&["a", "b", "tls.crt", "tls.key", "x-y"])?);
    }
    Ok(item)
}

fn template(u: &mut Unstructured<'_>) -> Result<Value> {
    fields(u, TEMPLATE, |u, name| match name {
        "data" | "stringData" | "metadata" if u.ratio(4, 5)? => {
            fields(u, TEMPLATE, |u, _| if u.ratio(2, 3)? { text(u) } else { any(u, 2, TEMPLATE) })
        }
        _ => any(u, 2, TEMPLATE),
    })
}

fn spec(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut spec = fields(u, SPEC, |u, name| match name {
        "data" | "properties" | "dataFromWithOptions" => list(u, item),
        "dataFrom" => list(u, text),
        "template" if u.ratio(9, 10)? => template(u),
        "kvVersion" => Ok(json!(u.int_in_range(0..=3)?)),
        _ if u.ratio(4, 5)? => text(u),
        _ => any(u, 2, SPEC),
    })?;
    if u.ratio(9, 10)? {
        spec["backendType"] = json!(u.choose(BACKENDS)?);
        spec["data"] = list(u, item)?;
    }
    Ok(spec)
}

fn csi_text(u: &mut Unstructured<'_>) -> Result<Value> {
    if u.ratio(4, 5)? { Ok(json!(u.choose(CSI_TEXTS)?)) } else { any(u, 1, FETCHED) }
}

/// The text of `objects`: YAML in one style or another, and sometimes none at all.
fn fetched(u: &mut Unstructured<'_>) -> Result<Value> {
    if u.ratio(1, 8)? {
        return text(u);
    }
    let length = u.int_in_range(0..=4)?;
    let objects: Value = (0..length)
        .map(|_| {
            let mut object = fields(u, FETCHED, |u, name| match name {
                "jmesPath" if u.ratio(4, 5)? => {
                    let length = u.int_in_range(0..=3)?;
                    (0..length)
                        .map(|_| Ok(json!({"path": csi_text(u)?, "objectAlias": csi_text(u)?})))
                        .collect()
                }
                _ => csi_text(u),
            })?;
            if u.ratio(3, 4)? {
                object["objectName"] = csi_text(u)?;
                object["objectType"] = json!(u.choose(&["secretsmanager", "ssmparameter"])?);
            }
            Ok(object)
        })
        .collect::<Result<_>>()?;
    let mut out = write::write(&objects.into());
    if u.ratio(1, 8)? {
        let mut at = u.int_in_range(0..=out.len())?;
        while !out.is_char_boundary(at) {
            at -= 1;
        }
        out.insert_str(at, *u.choose(&["\n", "#", "'", "---\n", "\t", "[", ": ", "{{"])?);
    }
    Ok(json!(out))
}

fn class(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut parameters =
        fields(u, &["pathTranslation", "usePodIdentity", "failoverRegion", "x"], |u, _| csi_text(u))?;
    parameters["region"] = json!("eu-west-1");
    parameters["objects"] = fetched(u)?;
    let mut spec = json!({"provider": "aws", "parameters": parameters});
    if u.ratio(1, 2)? {
        spec["secretObjects"] = list(u, |u| {
            let data = list(u, |u| Ok(json!({"objectName": csi_text(u)?, "key": csi_text(u)?})))?;
            let name = u.choose(&["a", "b", "c", "d"])?;
            Ok(json!({"secretName": name, "type": csi_text(u)?, "data": data, "labels": {"l": csi_text(u)?}}))
        })?;
    }
    let api = "secrets-store.csi.x-k8s.io/v1";
    Ok(json!({"apiVersion": api, "kind": "SecretProviderClass", "metadata": metadata(u)?, "spec": spec}))
}

fn workload(u: &mut Unstructured<'_>) -> Result<Value> {
    let volumes = list(u, |u| {
        let class = json!({"secretProviderClass": u.choose(&["a", "b", "b-c", "c"])?});
        let driver = "secrets-store.csi.k8s.io";
        Ok(json!({"name": csi_text(u)?, "csi": {"driver": driver, "volumeAttributes": class}}))
    })?;
    let pod = json!({"serviceAccountName": csi_text(u)?, "volumes": volumes});
    let spec = json!({"template": {"spec": pod}});
    Ok(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(u)?, "spec": spec}))
}

fn metadata(u: &mut Unstructured<'_>) -> Result<Value> {
    if u.ratio(1, 15)? {
        return any(u, 2, TEMPLATE);
    }
    let mut metadata = fields(u, &["labels", "annotations", "uid", "generation"], |u, _| {
        fields(u, &["a", "kubectl.kubernetes.io/last-applied-configuration"], |u, _| text(u))
    })?;
    metadata["name"] = json!(u.choose(&["a", "b", "b-c", "c"])?);
    if u.ratio(5, 6)? {
        metadata["namespace"] = json!(u.choose(&["app", "web", "a", "a-b"])?);
    }
    Ok(metadata)
}

fn object(u: &mut Unstructured<'_>) -> Result<Value> {
    if u.ratio(1, 20)? {
        return any(u, 3, SPEC);
    }
    if u.ratio(1, 6)? {
        let version = u.choose(&["external-secrets.io/v1alpha1", "external-secrets.io/v1beta1"])?;
        let kind = u.choose(&[
            "ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret",
        ])?;
        let spec = fields(u, OLD, |u, _| any(u, 4, OLD))?;
        return Ok(json!({"apiVersion": version, "kind": kind, "metadata": metadata(u)?, "spec": spec}));
    }
    if u.ratio(1, 4)? {
        return if u.ratio(1, 3)? { workload(u) } else { class(u) };
    }
    if u.ratio(1, 12)? {
        let annotations = json!({
            "iam.amazonaws.com/permitted": text(u)?,
            "externalsecrets.kubernetes-client.io/permitted-key-name": text(u)?,
        });
        let metadata = json!({"name": u.choose(&["app", "web"])?, "annotations": annotations});
        return Ok(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
    }
    let mut object = json!({
        "apiVersion": "kubernetes-client.io/v1",
        "kind": "ExternalSecret",
        "metadata": metadata(u)?,
    });
    if u.ratio(9, 10)? {
        object["spec"] = spec(u)?;
    }
    if u.ratio(1, 6)? {
        object["secretDescriptor"] = spec(u)?;
    }
    if u.ratio(1, 20)? {
        object["status"] = any(u, 2, SPEC)?;
    }
    Ok(object)
}

fn document(u: &mut Unstructured<'_>) -> Result<Value> {
    if !u.ratio(1, 5)? {
        return object(u);
    }
    let items = list(u, object)?;
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

fn context(u: &mut Unstructured<'_>) -> Result<Context> {
    if u.ratio(1, 4)? {
        return Ok(Context::default());
    }
    let mut env = Vec::new();
    for (name, value) in ENVIRONMENT {
        match u.int_in_range(0..=5)? {
            0..=1 => env.push(json!({"name": name, "value": value})),
            2 => {
                let reference = json!({"name": "kes", "key": name});
                env.push(json!({"name": name, "valueFrom": {"secretKeyRef": reference}}));
            }
            3 => env.push(json!({"name": name, "value": text(u)?})),
            _ => {}
        }
    }
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "kubernetes-external-secrets", "namespace": "kes"},
        "spec": {"template": {"spec": {
            "containers": [{
                "name": "kubernetes-external-secrets",
                "env": env,
                "volumeMounts": [{"name": "gcp", "mountPath": "/app/gcp/"}],
            }],
            "volumes": [{"name": "gcp", "secret": {"secretName": "gsm"}}],
        }}},
    });
    let (context, _) = Context::from_deployment(FileId(u32::MAX), [&deployment.into()])
        .expect("there is one such Deployment");
    Ok(context)
}

fn options(u: &mut Unstructured<'_>) -> Result<Options> {
    let auth = match u.int_in_range(0..=3)? {
        0 => Auth::Controller,
        1 => Auth::KesServiceAccount,
        2 => Auth::SecretRef,
        _ => Auth::ServiceAccount { namespace: "ns".to_owned(), name: "sa".to_owned() },
    };
    let mut flag = |value: &str| -> Result<Option<String>> {
        Ok(u.ratio(1, 3)?.then(|| value.to_owned()))
    };
    let mut options = Options {
        auth,
        namespace: flag("default")?,
        region: flag("us-east-2")?,
        vault_server: flag("https://w:8200")?,
        vault_mount: flag("mount")?,
        vault_role: flag("role")?,
        azure_tenant: flag("tenant")?,
        gcp_project: flag("project")?,
        ibm_endpoint: flag("https://ibm")?,
        ibm_group: flag("default")?,
        akeyless_endpoint: flag("https://akeyless")?,
        vault_split_mounts: flag("secret")?.into_iter().collect(),
        ..Options::default()
    };
    if u.ratio(1, 3)? {
        options.scope = Scope::Namespace;
    }
    for switch in [
        &mut options.keep_interval,
        &mut options.assume_disjoint,
        &mut options.no_emulate,
        &mut options.strict_bytes,
        &mut options.force,
        &mut options.namespace_policy,
        &mut options.role_conditions,
        &mut options.enforced,
    ] {
        *switch = u.ratio(1, 3)?;
    }
    Ok(options)
}

fn check(u: &mut Unstructured<'_>) -> Result<()> {
    let limits = Limits::default();
    let options = options(u)?;
    let context = context(u)?;
    let mut sources = Sources::default();
    for number in 0..u.int_in_range(1..=3)? {
        let documents: Vec<_> = (0..u.int_in_range(1..=3)?)
            .map(|_| Ok(document(u)?.to_string()))
            .collect::<Result<_>>()?;
        sources.add(SourceFile::new(format!("{number}.yaml"), documents.join("\n---\n")));
    }

    let mut migrator = Migrator::new(&context, &options);
    let mut wanted = BTreeSet::new();
    for (id, file) in sources.iter() {
        let documents = read::read(id, file, &limits);
        for document in &documents {
            wanted.extend(identities(id, document));
        }
        let hints = FileHints { kustomization: u.ratio(1, 4)?, helm_template: u.ratio(1, 30)? };
        migrator.add(id, file, &documents, hints);
    }
    let migration = migrator.finish();

    let mut reported = BTreeSet::new();
    for object in &migration.objects {
        let origin = object.origin;
        let identity = (origin.file, origin.document, origin.item);
        assert!(reported.insert(identity), "reported twice: {identity:?}");
        let written = migration.outputs.iter().filter(|output| output.origin == Some(origin)).count();
        let converted = object.outcome == Outcome::Converted;
        if converted && object.kind == "SecretProviderClass" {
            assert!(written > 0, "converted and not written: {identity:?}");
        } else {
            assert_eq!(written, usize::from(converted), "{:?} {identity:?}", object.outcome);
        }
        if matches!(object.outcome, Outcome::Refused | Outcome::Unreadable) {
            assert!(!object.diagnostics.is_empty(), "refused without a word: {identity:?}");
        }
    }
    assert_eq!(reported, wanted, "objects in the report and in the input");

    let mut names = BTreeSet::new();
    for output in &migration.outputs {
        let name = (&output.kind, &output.namespace, &output.name);
        // Two inputs of one name stay two outputs of one name.
        assert!(output.origin.is_some() || names.insert(name), "two stores named {name:?}");
        let value = output.node().to_json();
        for text in [write::write(output.node()), write::write_json(output.node())] {
            let file = SourceFile::new("written", text.as_str());
            let documents = read::read(FileId(0), &file, &limits);
            let [document] = documents.as_slice() else {
                panic!("{} documents in {text:?}", documents.len());
            };
            let back = document.node().map(|node| node.to_json());
            assert_eq!(back.as_ref(), Some(&value), "written as {text:?}");
        }
    }
    Ok(())
}

/// What must be in the report for a document.
fn identities(id: FileId, document: &Document) -> Vec<(FileId, usize, Option<usize>)> {
    match &document.content {
        read::Content::Empty => Vec::new(),
        read::Content::Broken(_) => vec![(id, document.index, None)],
        read::Content::Node(_) => stream::objects(document)
            .iter()
            .map(|object| (id, document.index, object.item))
            .collect(),
    }
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    match check(&mut Unstructured::new(bytes)) {
        Ok(()) => Corpus::Keep,
        Err(_) => Corpus::Reject,
    }
});
