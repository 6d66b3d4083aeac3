//! Azure Key Vault (specification 3.9).

use extsecret_crds::provider::Provider;
use extsecret_crds::provider::azure::{
    AzureAuthType, AzureEnvironmentType, AzureKvAuth, AzureKvProvider,
};

use super::{Facts, Mapped, StoreSeed, add_extracts, add_items, known, readable};
use crate::codes;
use crate::finding::{Findings, WithHelp};
use crate::kes::{Item, Kes};
use crate::options::Auth;

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    let slash = |item: &Item<'_>, found: &mut Findings<'_>| {
        if item.key.value.contains('/') {
            found
                .at(
                    &codes::E11,
                    item.key.span,
                    format!("{}.key", item.field),
                    format!(
                        "the key of {} has a slash, which ESO would read as a kind of Azure object",
                        item.label
                    ),
                )
                .with_help(
                    "Azure names have no slash, so KES always failed here: write the secret's name",
                );
        }
    };
    add_extracts(kes, found, out, |item, _, found| slash(item, found));
    add_items(kes, found, out, |item, _, found| slash(item, found));
    store(kes, facts, found, out);
}

fn store(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    let (context, options) = (facts.context, facts.options);
    let Some(vault) = kes.key_vault_name.as_ref().map(|text| text.value.to_string()) else {
        found
            .object(&codes::E10, "the object names no keyVaultName")
            .with_help("KES could not read it either: add the name of the vault");
        return;
    };
    let environment = match known(context.azure_environment(), found) {
        None | Some("AzureCloud") => None,
        Some("AzureUSGovernment" | "AzureUSGovernmentCloud") => {
            Some(AzureEnvironmentType::UsGovernmentCloud)
        }
        Some("AzureChinaCloud") => Some(AzureEnvironmentType::ChinaCloud),
        Some("AzureGermanCloud") => Some(AzureEnvironmentType::GermanCloud),
        Some(other) => {
            found.object(
                &codes::E10,
                format!("AZURE_ENVIRONMENT `{other}` is no Azure cloud that ESO knows"),
            );
            return;
        }
    };
    let suffix = known(context.azure_dns_suffix(), found).unwrap_or("vault.azure.net");
    let mut provider = AzureKvProvider {
        vault_url: format!("https://{vault}.{}", suffix.trim_start_matches('.')),
        tenant_id: Facts::text(context.azure_tenant(), options.azure_tenant.as_ref(), found),
        environment_type: environment,
        ..AzureKvProvider::default()
    };
    match &options.auth {
        Auth::SecretRef => service_principal(&mut provider, facts, found, out),
        Auth::Controller => provider.auth_type = Some(AzureAuthType::WorkloadIdentity),
        Auth::KesServiceAccount | Auth::ServiceAccount { .. } => {
            provider.auth_type = Some(AzureAuthType::WorkloadIdentity);
            provider.service_account_ref = facts.service_account(kes, found);
        }
    }
    out.store = StoreSeed {
        short: "azure",
        readable: readable([vault.as_str()]),
        provider: Provider { azurekv: Some(provider), ..Provider::default() },
    };
    out.moves.field(format!("{}.keyVaultName", kes.root), &["spec", "secretStoreRef"]);
}

/// The client id must be in a Secret too, although KES often had it as a plain value.
fn service_principal(
    provider: &mut AzureKvProvider,
    facts: Facts<'_>,
    found: &mut Findings<'_>,
    out: &mut Mapped,
) {
    let context = facts.context;
    facts.need(provider.tenant_id.as_ref(), "the Azure tenant", "AZURE_TENANT_ID", found);
    let secret = known(context.azure_client_secret(), found);
    let secret =
        facts.need(secret, "the Secret with KES's client secret", "AZURE_CLIENT_SECRET", found);
    let Some(secret) = secret else { return };
    let id = known(context.azure_client_id(), found);
    let Some(mut skeleton) = facts.skeleton("kes-azure-login", found) else { return };
    let mut selector = |credential, key, variable: &str| {
        Some(facts.credential(credential, &mut skeleton, key, variable, found))
    };
    provider.auth_type = Some(AzureAuthType::ServicePrincipal);
    provider.auth_secret_ref = Some(AzureKvAuth {
        client_id: selector(id, "clientId", "AZURE_CLIENT_ID"),
        client_secret: selector(Some(secret), "clientSecret", "AZURE_CLIENT_SECRET"),
        ..AzureKvAuth::default()
    });
    out.skeleton = (!skeleton.keys.is_empty()).then_some(skeleton);
}
