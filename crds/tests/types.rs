//! The promises of the types: order, absence, defaults, unknown values, nothing shown that may be
//! a credential.

use extsecret_crds::external_secret::{
    ConversionStrategy, CreationPolicy, DecodingStrategy, DeletionPolicy, ExternalSecretData,
    MergeConflictPolicy, MergePriorityPolicy, MergeStrategy, MetadataPolicy, NullBytePolicy,
    RefreshPolicy, RemoteRef, SecretStoreRef, StoreKind, TemplateEngineVersion,
    TemplateMergePolicy, TemplateScope,
};
use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_crds::store::{SecondsOrDuration, StoreCondition};
use extsecret_crds::{
    ClusterSecretStore, ExternalSecret, ExternalSecretSpec, ExternalSecretTarget,
    ExternalSecretTemplate, Provider, SecretStore, SecretStoreSpec,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a value of the type")
}

#[test]
fn a_written_external_secret_has_a_fixed_order() {
    let spec = ExternalSecretSpec {
        secret_store_ref: Some(SecretStoreRef {
            name: Some("store".to_owned()),
            kind: Some(StoreKind::ClusterSecretStore),
            ..SecretStoreRef::default()
        }),
        refresh_policy: Some(RefreshPolicy::OnChange),
        refresh_interval: Some("0s".to_owned()),
        target: Some(ExternalSecretTarget {
            name: Some("app".to_owned()),
            creation_policy: Some(CreationPolicy::Owner),
            deletion_policy: Some(DeletionPolicy::Retain),
            template: Some(ExternalSecretTemplate {
                type_: Some("Opaque".to_owned()),
                engine_version: Some(TemplateEngineVersion::V2),
                merge_policy: Some(TemplateMergePolicy::Merge),
                ..ExternalSecretTemplate::default()
            }),
            ..ExternalSecretTarget::default()
        }),
        data: Some(vec![ExternalSecretData {
            secret_key: "a".to_owned(),
            remote_ref: RemoteRef {
                key: "k".to_owned(),
                decoding_strategy: Some(DecodingStrategy::Base64),
                ..RemoteRef::default()
            },
            ..ExternalSecretData::default()
        }]),
        ..ExternalSecretSpec::default()
    };
    let written = serde_json::to_string(&ExternalSecret::new("app", spec)).expect("JSON");
    let expected = concat!(
        r#"{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","#,
        r#""metadata":{"name":"app"},"spec":{"#,
        r#""secretStoreRef":{"name":"store","kind":"ClusterSecretStore"},"#,
        r#""refreshPolicy":"OnChange","refreshInterval":"0s","#,
        r#""target":{"name":"app","creationPolicy":"Owner","deletionPolicy":"Retain","#,
        r#""template":{"type":"Opaque","engineVersion":"v2","mergePolicy":"Merge"}},"#,
        r#""data":[{"secretKey":"a","remoteRef":{"key":"k","decodingStrategy":"Base64"}}]}}"#,
    );
    assert_eq!(written, expected);
}

#[test]
fn a_written_store_has_a_fixed_order() {
    let spec = SecretStoreSpec {
        controller: Some("class".to_owned()),
        provider: Provider {
            aws: Some(AwsProvider {
                service: AwsService::ParameterStore,
                region: "eu-west-1".to_owned(),
                role: Some("arn".to_owned()),
                ..AwsProvider::default()
            }),
            ..Provider::default()
        },
        conditions: Some(vec![StoreCondition {
            namespaces: Some(vec!["app".to_owned()]),
            ..StoreCondition::default()
        }]),
        ..SecretStoreSpec::default()
    };
    let expected = concat!(
        r#""metadata":{"name":"s"},"spec":{"controller":"class","provider":{"aws":{"#,
        r#""service":"ParameterStore","region":"eu-west-1","role":"arn"}},"#,
        r#""conditions":[{"namespaces":["app"]}]}}"#,
    );
    let cluster = serde_json::to_string(&ClusterSecretStore::new("s", spec.clone())).expect("JSON");
    let kind = r#"{"apiVersion":"external-secrets.io/v1","kind":"ClusterSecretStore","#;
    assert_eq!(cluster, format!("{kind}{expected}"));
    let namespaced = serde_json::to_string(&SecretStore::new("s", spec)).expect("JSON");
    let kind = r#"{"apiVersion":"external-secrets.io/v1","kind":"SecretStore","#;
    assert_eq!(namespaced, format!("{kind}{expected}"));
}

#[test]
fn absent_means_the_default_and_stays_absent() {
    let item = json!({ "secretKey": "a", "remoteRef": { "key": "k" } });
    let merge = json!({ "merge": {} });
    let value = json!({
        "secretStoreRef": { "name": "s" },
        "target": { "template": { "templateFrom": [{ "configMap": {
            "name": "c", "items": [{ "key": "k" }],
        } }] } },
        "dataFrom": [{ "find": {}, "rewrite": [merge] }],
        "data": [item],
    });
    let spec: ExternalSecretSpec = read(value.clone());
    assert_eq!(spec.refresh_policy(), RefreshPolicy::Periodic);
    let interval = spec.refresh_interval().expect("a duration");
    assert_eq!(interval.to_string(), "1h0m0s");
    assert_eq!(spec.creation_policy(), CreationPolicy::Owner);
    assert_eq!(spec.deletion_policy(), DeletionPolicy::Retain);
    assert_eq!(spec.target_name("own"), "own");
    let store = spec.secret_store_ref.as_ref().expect("a store");
    assert_eq!(store.kind(), StoreKind::SecretStore);
    let target = spec.target.as_ref().expect("a target");
    assert!(target.is_secret());
    let template = target.template.as_ref().expect("a template");
    assert_eq!(template.engine_version(), TemplateEngineVersion::V2);
    assert_eq!(template.merge_policy(), TemplateMergePolicy::Replace);
    let [from] = template.template_from() else { panic!("one item") };
    assert_eq!(from.target(), "Data");
    assert_eq!(from.values_decoding_strategy(), DecodingStrategy::None);
    let items = &from.config_map.as_ref().expect("a ConfigMap").items;
    assert_eq!(items[0].template_as(), TemplateScope::Values);
    let remote = &spec.data()[0].remote_ref;
    assert_eq!(remote.metadata_policy(), MetadataPolicy::None);
    assert_eq!(remote.conversion_strategy(), ConversionStrategy::Default);
    assert_eq!(remote.decoding_strategy(), DecodingStrategy::None);
    assert_eq!(remote.null_byte_policy(), NullBytePolicy::Ignore);
    let find = spec.data_from()[0].find.as_ref().expect("a find");
    assert_eq!(find.conversion_strategy(), ConversionStrategy::Default);
    let [rewrite] = spec.data_from()[0].rewrite() else { panic!("one rewrite") };
    let merge = rewrite.merge.as_ref().expect("a merge");
    assert_eq!(merge.strategy(), MergeStrategy::Extract);
    assert_eq!(merge.conflict_policy(), MergeConflictPolicy::Error);
    assert_eq!(merge.priority_policy(), MergePriorityPolicy::Strict);
    assert_eq!(serde_json::to_value(&spec).expect("JSON"), value);
}

#[test]
fn empty_is_not_absent() {
    let value = json!({
        "refreshInterval": "",
        "target": { "template": { "metadata": { "labels": {}, "finalizers": [] }, "data": {} } },
        "dataFrom": [],
        "data": [],
    });
    let spec: ExternalSecretSpec = read(value.clone());
    assert_eq!(serde_json::to_value(&spec).expect("JSON"), value);
}

#[test]
fn null_is_absent() {
    let spec: ExternalSecretSpec = read(json!({ "target": null, "data": null }));
    assert_eq!(spec, ExternalSecretSpec::default());
}

#[test]
fn unknown_values_are_not_errors() {
    let policy: CreationPolicy = read(json!("Tomorrow"));
    assert_eq!(policy, CreationPolicy::Other("Tomorrow".to_owned()));
    assert!(!policy.is_known());
    assert_eq!(policy.to_string(), "Tomorrow");
    assert!(CreationPolicy::KNOWN.iter().all(|known| CreationPolicy::from(*known).is_known()));
    // Case matters, as it does for the API server.
    assert!(!CreationPolicy::from("owner").is_known());
}

#[test]
fn an_object_without_a_required_field_is_an_error() {
    let missing = serde_json::from_value::<ExternalSecretData>(json!({ "secretKey": "a" }));
    assert!(missing.is_err_and(|error| error.to_string().contains("remoteRef")));
    let object = json!({ "metadata": { "name": "a" } });
    assert!(serde_json::from_value::<ExternalSecret>(object).is_err());
}

#[test]
fn the_refresh_interval_of_a_store_is_a_number_or_a_text() {
    for (value, text) in [(json!(90), "1m30s"), (json!("2h"), "2h0m0s")] {
        let interval: SecondsOrDuration = read(value.clone());
        assert_eq!(interval.to_duration().expect("a duration").to_string(), text);
        assert_eq!(serde_json::to_value(interval).expect("JSON"), value);
    }
}

/// The fake provider holds values in the clear, and headers of Vault may hold tokens.
#[test]
fn debug_shows_no_credential() {
    let value = json!({
        "provider": {
            "fake": { "data": [{ "key": "k", "value": "hunter2" }] },
            "vault": { "server": "s", "headers": { "X-Token": "hunter2" } },
        },
    });
    let spec: SecretStoreSpec = read(value.clone());
    let shown = format!("{spec:?} {spec:#?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("X-Token"), "{shown}");
    assert_eq!(serde_json::to_value(&spec).expect("JSON"), value);
}
