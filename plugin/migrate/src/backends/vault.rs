//! `HashiCorp` Vault (specification 3.9).
//!
//! KES read the full API path, so the key says the mount. The store therefore has no `path` and
//! the key stays whole: long mounts, several mounts per object and folders named like their mount
//! all stay right. The short form is written only where it is provably the same.

use extsecret_crds::external_secret::RemoteRef;
use extsecret_crds::provider::Provider;
use extsecret_crds::provider::vault::{
    VaultAuth, VaultKubernetesAuth, VaultKvVersion, VaultProvider,
};
use extsecret_crds::selector::{CaProvider, CaProviderType};
use extsecret_manifest::node::Value;

use super::{Facts, Mapped, StoreSeed, add_extracts, add_items, known, readable, split_version};
use crate::codes;
use crate::context::FileSource;
use crate::finding::{Findings, WithHelp};
use crate::kes::{Item, Kes};
use crate::options::Auth;

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    let Some(version) = kv_version(kes, found) else { return };
    let v2 = version == VaultKvVersion::V2;
    let force = facts.options.force;
    let mut adapt = |item: &Item<'_>, remote: &mut RemoteRef, found: &mut Findings<'_>| {
        split_version(item, "?version=", remote, found);
        if v2 && !remote.key.contains("/data/") {
            found.at(
                &codes::W29,
                item.key.span,
                format!("{}.key", item.field),
                format!("the key of {} has no `/data/`: KES read it literally, ESO inserts it after the first segment", item.label),
            );
        }
        if !v2 && is_engine(&remote.key) {
            found
                .at(
                    &codes::W20,
                    item.key.span,
                    format!("{}.key", item.field),
                    format!("the key of {} is not in a KV engine, and every read makes a new credential", item.label),
                )
                .with_help("use a VaultDynamicSecret generator in a new ExternalSecret, or convert it all the same with --force");
            if !force {
                found.refuse();
            }
        }
    };
    add_extracts(kes, found, out, &mut adapt);
    add_items(kes, found, out, |item, remote, found| {
        adapt(item, remote, found);
        if remote.property.is_none() {
            found.at(
                &codes::W07,
                item.span,
                item.field.as_str(),
                format!("{} takes the whole secret as JSON text, in which ESO sorts the keys and escapes <, > and &", item.label),
            );
        }
    });
    let path = split_mount(kes, facts, v2, found, out);
    store(kes, facts, version, path, found, out);
}

/// KES compared strictly with the numbers 1 and 2.
fn kv_version(kes: &Kes<'_>, found: &mut Findings<'_>) -> Option<VaultKvVersion> {
    let Some(node) = kes.kv_version else { return Some(VaultKvVersion::V2) };
    let number = match &node.value {
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    match number {
        Some(1.0) => Some(VaultKvVersion::V1),
        Some(2.0) => Some(VaultKvVersion::V2),
        _ => {
            found
                .at(
                    &codes::E15,
                    node.span,
                    format!("{}.kvVersion", kes.root),
                    "kvVersion is neither the number 1 nor the number 2; KES failed on it",
                )
                .with_help("write 1 or 2 without quotes, whichever the engine has");
            None
        }
    }
}

/// True for paths of engines that make something at each read.
fn is_engine(key: &str) -> bool {
    const ENGINES: [&str; 18] = [
        "ad",
        "alicloud",
        "auth",
        "aws",
        "azure",
        "consul",
        "database",
        "gcp",
        "identity",
        "kubernetes",
        "ldap",
        "mongodbatlas",
        "nomad",
        "pki",
        "rabbitmq",
        "ssh",
        "sys",
        "totp",
    ];
    const VERBS: [&str; 14] = [
        "code",
        "creds",
        "cred",
        "static-cred",
        "static-creds",
        "sts",
        "issue",
        "sign",
        "cert",
        "token",
        "key",
        "roleset",
        "static-account",
        "entity",
    ];
    let segments: Vec<&str> = key.trim_matches('/').split('/').collect();
    let (Some(first), count) = (segments.first(), segments.len()) else { return false };
    if matches!(*first, "auth" | "sys" | "identity") && count > 1 {
        return true;
    }
    let by_engine = ENGINES.contains(first) && segments.get(1).is_some_and(|s| VERBS.contains(s));
    let by_verb = count >= 3 && matches!(segments[count - 2], "creds" | "static-creds" | "issue");
    by_engine || by_verb
}

/// The store's path when every key of the object may be shortened for one mount.
fn split_mount(
    kes: &Kes<'_>,
    facts: Facts<'_>,
    v2: bool,
    found: &mut Findings<'_>,
    out: &mut Mapped,
) -> Option<String> {
    let mounts = &facts.options.vault_split_mounts;
    let short = |mount: &str, key: &str| {
        let rest = key.strip_prefix(mount)?.strip_prefix('/')?;
        let rest = if v2 { rest.strip_prefix("data/")? } else { rest };
        // ESO strips the mount from the front of a key again.
        let first = mount.split('/').next().unwrap_or(mount);
        let again = rest == first || rest.starts_with(&format!("{first}/"));
        // ESO takes a v2 key with a data segment for a whole one.
        let whole = v2 && (rest.starts_with("data/") || rest.contains("/data/"));
        (!rest.is_empty() && !again && !whole).then(|| rest.to_owned())
    };
    let all_keys = |out: &Mapped| {
        let extracts = out.data_from.iter().filter_map(|from| from.extract.as_ref());
        extracts
            .chain(out.data.iter().map(|data| &data.remote_ref))
            .map(|remote| remote.key.clone())
            .collect::<Vec<_>>()
    };
    let all = all_keys(out);
    for mount in mounts.iter().map(|mount| mount.trim_matches('/')) {
        let shortened: Option<Vec<String>> = all.iter().map(|key| short(mount, key)).collect();
        let Some(shortened) = shortened else { continue };
        let extracts = out.data_from.iter_mut().filter_map(|from| from.extract.as_mut());
        let remotes = extracts.chain(out.data.iter_mut().map(|data| &mut data.remote_ref));
        for (remote, key) in remotes.zip(shortened) {
            remote.key = key;
        }
        return Some(mount.to_owned());
    }
    let below = |mount: &String| all.iter().any(|key| key.starts_with(mount.trim_matches('/')));
    if mounts.iter().any(below) {
        found
            .object(
                &codes::I06,
                "the keys keep their mount: the short form would not name the same secrets",
            )
            .field = Some(kes.root.to_owned());
    }
    None
}

fn store(
    kes: &Kes<'_>,
    facts: Facts<'_>,
    version: VaultKvVersion,
    path: Option<String>,
    found: &mut Findings<'_>,
    out: &mut Mapped,
) {
    let (context, options) = (facts.context, facts.options);
    let server = Facts::text(context.vault_addr(), options.vault_server.as_ref(), found);
    let mount = Facts::own_or_said(
        kes.vault_mount_point.as_ref(),
        context.default_vault_mount(),
        options.vault_mount.as_ref(),
        "auth mount",
        found,
    );
    let role = Facts::own_or_said(
        kes.vault_role.as_ref(),
        context.default_vault_role(),
        options.vault_role.as_ref(),
        "Vault role",
        found,
    );
    let server = facts.need(server, "the Vault server", "VAULT_ADDR", found);
    let mount = facts.need(
        mount,
        "the mount of Vault's Kubernetes auth method",
        "DEFAULT_VAULT_MOUNT_POINT",
        found,
    );
    let role = facts.need(role, "the Vault role", "DEFAULT_VAULT_ROLE", found);
    let (Some(server), Some(mount_path), Some(role)) = (server, mount, role) else { return };
    if is_loopback(&server) {
        found.once(
            &codes::W03,
            format!("the Vault server `{server}` is a loopback address: it points into KES's own pod (a side container, or never set), which ESO cannot reach"),
        );
    }
    let service_account_ref = facts.service_account(kes, found);
    // KES's own account keeps the right that its chart gave it.
    if facts.options.auth != Auth::KesServiceAccount {
        found.once(
            &codes::W18,
            "Vault may review tokens with the caller's own: then the new controller's account needs system:auth-delegator, which KES's chart had granted",
        );
    }
    let host = server.split("://").last().unwrap_or(&server);
    let host = host.split([':', '/']).next().unwrap_or(host);
    out.store = StoreSeed {
        short: "vault",
        readable: readable([host, role.as_str()]),
        provider: Provider {
            vault: Some(VaultProvider {
                server,
                path,
                version: Some(version),
                namespace: Facts::text(
                    context.vault_namespace(),
                    options.vault_namespace.as_ref(),
                    found,
                ),
                ca_provider: ca_provider(facts, found),
                auth: Some(VaultAuth {
                    kubernetes: Some(VaultKubernetesAuth {
                        mount_path: Some(mount_path),
                        role,
                        service_account_ref,
                        ..VaultKubernetesAuth::default()
                    }),
                    ..VaultAuth::default()
                }),
                ..VaultProvider::default()
            }),
            ..Provider::default()
        },
    };
    if out.moves.enabled() {
        for field in ["vaultRole", "vaultMountPoint", "kvVersion"] {
            out.moves.field(format!("{}.{field}", kes.root), &["spec", "secretStoreRef"]);
        }
    }
}

fn ca_provider(facts: Facts<'_>, found: &mut Findings<'_>) -> Option<CaProvider> {
    let file = known(facts.context.vault_ca(), found)?;
    facts.may_use_kes("the CA of KES", found);
    let type_ = match file.source {
        FileSource::Secret => CaProviderType::Secret,
        FileSource::ConfigMap => CaProviderType::ConfigMap,
    };
    found.once(
        &codes::W18,
        format!(
            "the store takes its CA from the {} `{}` of KES; keep it when KES is removed",
            file.source.kind(),
            file.name
        ),
    );
    Some(CaProvider {
        type_,
        name: file.name.clone(),
        key: Some(file.key.clone()),
        namespace: facts.kes_namespace(found),
        ..CaProvider::default()
    })
}

fn is_loopback(server: &str) -> bool {
    let host = server.split("://").last().unwrap_or(server);
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_told_from_kv_paths() {
        for key in [
            "database/creds/readonly",
            "aws/creds/x",
            "aws/sts/x",
            "pki/issue/web",
            "team/db/creds/ro",
            "totp/code/x",
            "auth/token/lookup-self",
            "sys/health",
            "ssh/sign/x",
        ] {
            assert!(is_engine(key), "{key}");
        }
        for key in
            ["kv/x", "kv/app/db", "secret/creds", "database/app", "kv/creds", "team/kv/issues/x"]
        {
            assert!(!is_engine(key), "{key}");
        }
    }
}
