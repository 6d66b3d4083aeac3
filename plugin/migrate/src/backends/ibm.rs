//! IBM Cloud Secrets Manager (specification 3.9).
//!
//! KES stored some whole values in a shape of its own (JSON text, a quoted string). Where ESO
//! fetches the bare value, a template rebuilds that shape, so that the bytes stay.

use extsecret_crds::external_secret::{ExternalSecretData, RemoteRef};
use extsecret_crds::provider::Provider;
use extsecret_crds::provider::ibm::{IbmAuth, IbmAuthSecretRef, IbmContainerAuth, IbmProvider};

use super::{Facts, Mapped, StoreSeed, add_items, known, readable};
use crate::codes;
use crate::finding::{Findings, WithHelp};
use crate::kes::{Item, Kes};

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    for item in &kes.extracts {
        found
            .at(
                &codes::E06,
                item.span,
                item.field.as_str(),
                format!("{} never worked in KES, which had no secretType for it", item.label),
            )
            .with_help("list the values that you need under `data`, each with its secretType");
    }
    let mut rebuilt = Vec::new();
    let mut parts = Vec::new();
    add_items(kes, found, out, |item, remote, found| {
        adapt(kes, item, remote, facts, found, &mut rebuilt, &mut parts);
    });
    out.template_data.extend(rebuilt);
    out.hidden = parts.iter().map(|(key, _)| key.clone()).collect();
    for (secret_key, remote_ref) in parts {
        // The first part took the item's own place; the others follow at the end.
        out.data.push(ExternalSecretData {
            secret_key,
            remote_ref,
            ..ExternalSecretData::default()
        });
    }
    store(kes, facts, found, out);
}

#[allow(clippy::too_many_arguments)] // Two of them collect what does not fit the item itself.
fn adapt(
    kes: &Kes<'_>,
    item: &Item<'_>,
    remote: &mut RemoteRef,
    facts: Facts<'_>,
    found: &mut Findings<'_>,
    rebuilt: &mut Vec<(String, String)>,
    parts: &mut Vec<(String, RemoteRef)>,
) {
    let Some(kind) =
        item.secret_type.as_ref().map(|text| text.value.as_ref()).filter(|t| !t.is_empty())
    else {
        found
            .at(
                &codes::E06,
                item.span,
                item.field.as_str(),
                format!("{} has no secretType", item.label),
            )
            .with_help("KES needed it too: add the type, for example `secretType: arbitrary`");
        return;
    };
    if kes.key_by_name {
        let Some(group) = &facts.options.ibm_group else {
            found
                .at(
                    &codes::E05,
                    item.span,
                    item.field.as_str(),
                    format!(
                        "{} is looked up by name, and ESO wants to know the secret group",
                        item.label
                    ),
                )
                .with_help("give --ibm-group NAME, often `default`");
            return;
        };
        found.once(
            &codes::W03,
            format!("group `{group}` comes from the command line, not from the object"),
        );
        remote.key = format!("{group}/{kind}/{}", remote.key);
    } else {
        remote.key = format!("{kind}/{}", remote.key);
    }
    let Some(name) = item.name.as_ref().map(|text| text.value.to_string()) else { return };
    let property = item.property.as_ref().map(|text| text.value.as_ref()).filter(|p| !p.is_empty());
    let value = crate::emit::value_of(&name);
    let emulate = |found: &mut Findings<'_>| {
        if facts.options.no_emulate {
            found
                .at(
                    &codes::E06,
                    item.span,
                    item.field.as_str(),
                    format!(
                        "KES stored {} as JSON text, which only a template can rebuild",
                        item.label
                    ),
                )
                .with_help("leave --no-emulate out, or name the property that you need");
        }
        !facts.options.no_emulate
    };
    match (kind, property) {
        ("arbitrary" | "kv", Some("payload")) => remote.property = None,
        ("arbitrary", None) if emulate(found) => {
            rebuilt.push((name, format!("{{\"payload\":{{{{ {value} | toRawJson }}}}}}")));
        }
        ("kv", Some(inner)) => {
            if let Some(inner) = inner.strip_prefix("payload.") {
                remote.property = Some(crate::property::translate(inner).path);
            }
        }
        ("iam_credentials", None) if emulate(found) => {
            rebuilt.push((name, format!("{{{{ {value} | toRawJson }}}}")));
        }
        ("iam_credentials", Some(_)) => {
            found
                .at(
                    &codes::E06,
                    item.span,
                    item.field.as_str(),
                    format!(
                        "iam_credentials have no properties, so KES always failed on {}",
                        item.label
                    ),
                )
                .with_help("leave the property out");
        }
        ("username_password", None) if emulate(found) => {
            found.at(
                &codes::W16,
                item.span,
                item.field.as_str(),
                format!(
                    "{} is rebuilt as JSON of username and password, in this order",
                    item.label
                ),
            );
            let password = hidden_key(kes, &name, parts);
            if !crate::kes::is_secret_key(&password) {
                found.at(
                    &codes::E09,
                    item.span,
                    item.field.as_str(),
                    format!("the name of {} leaves no room for the parts of its value", item.label),
                );
            }
            whole_login(&name, password, remote, rebuilt, parts);
        }
        _ => {}
    }
}

/// A Secret key for a part of a value, unlike every key that the object itself names.
fn hidden_key(kes: &Kes<'_>, name: &str, parts: &[(String, RemoteRef)]) -> String {
    let mut key = format!("{name}.password");
    let taken = |key: &str| {
        kes.items.iter().filter_map(|item| item.name.as_ref()).any(|name| name.value == key)
            || parts.iter().any(|(part, _)| part == key)
    };
    while taken(&key) {
        key.push('_');
    }
    key
}

/// KES stored `{"username":...,"password":...}`. Both are fetched under hidden names, since each
/// item yields one value; the item's own key is overwritten by the template.
fn whole_login(
    name: &str,
    password: String,
    remote: &mut RemoteRef,
    rebuilt: &mut Vec<(String, String)>,
    parts: &mut Vec<(String, RemoteRef)>,
) {
    let value = |key: &str| format!("{{{{ index . \"{key}\" | toRawJson }}}}");
    let mut second = remote.clone();
    second.property = Some("password".into());
    remote.property = Some("username".into());
    rebuilt.push((
        name.to_owned(),
        format!("{{\"username\":{},\"password\":{}}}", value(name), value(&password)),
    ));
    parts.push((password, second));
}

fn store(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    let context = facts.context;
    let url = Facts::text(context.ibm_endpoint(), facts.options.ibm_endpoint.as_ref(), found);
    let variable = "IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT";
    let url = facts.need(url, "the URL of the IBM Secrets Manager", variable, found);
    // There is no identity of the controller's own on IBM: a store without auth is invalid.
    let iam_endpoint = known(context.ibm_iam_endpoint(), found).map(str::to_owned);
    let container = known(context.ibm_auth_type(), found) == Some("container");
    let auth = if container {
        let profile = known(context.ibm_profile(), found);
        let variable = "IBM_CLOUD_SECRETS_MANAGER_API_IAM_PROFILE_NAME";
        facts.need(profile, "the trusted profile", variable, found).map(|profile| IbmAuth {
            container_auth: Some(IbmContainerAuth {
                profile: profile.to_owned(),
                iam_endpoint,
                ..IbmContainerAuth::default()
            }),
            ..IbmAuth::default()
        })
    } else {
        secret_ref(facts, iam_endpoint, found, out)
    };
    let (Some(url), Some(auth)) = (url, auth) else { return };
    let host = url
        .split("://")
        .last()
        .unwrap_or(&url)
        .split(['.', '/', ':'])
        .next()
        .unwrap_or_default()
        .to_owned();
    out.store = StoreSeed {
        short: "ibm",
        readable: readable([host.as_str()]),
        provider: Provider {
            ibm: Some(IbmProvider { service_url: Some(url), auth, ..IbmProvider::default() }),
            ..Provider::default()
        },
    };
    out.moves.field(format!("{}.keyByName", kes.root), &["spec", "secretStoreRef"]);
}

fn secret_ref(
    facts: Facts<'_>,
    iam_endpoint: Option<String>,
    found: &mut Findings<'_>,
    out: &mut Mapped,
) -> Option<IbmAuth> {
    let variable = "IBM_CLOUD_SECRETS_MANAGER_API_APIKEY";
    let key = known(facts.context.ibm_api_key(), found);
    let key = facts.need(key, "the Secret with KES's API key", variable, found)?;
    let mut skeleton = facts.skeleton("kes-ibm-apikey", found)?;
    let selector = facts.credential(Some(key), &mut skeleton, "apiKey", variable, found);
    out.skeleton = (!skeleton.keys.is_empty()).then_some(skeleton);
    Some(IbmAuth {
        secret_ref: Some(IbmAuthSecretRef {
            secret_api_key_secret_ref: Some(selector),
            iam_endpoint,
            ..IbmAuthSecretRef::default()
        }),
        ..IbmAuth::default()
    })
}
