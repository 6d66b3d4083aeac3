//! Akeyless (specification 3.9).

use extsecret_crds::provider::Provider;
use extsecret_crds::provider::akeyless::{AkeylessAuth, AkeylessAuthSecretRef, AkeylessProvider};

use super::{Facts, Mapped, StoreSeed, add_extracts, add_items, known, readable};
use crate::finding::Findings;
use crate::kes::Kes;

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    add_extracts(kes, found, out, |_, _, _| {});
    add_items(kes, found, out, |_, _, _| {});
    let context = facts.context;
    let url =
        Facts::text(context.akeyless_endpoint(), facts.options.akeyless_endpoint.as_ref(), found);
    let url = facts.need(url, "the Akeyless endpoint", "AKEYLESS_API_ENDPOINT", found);
    let Some(mut skeleton) = facts.skeleton("kes-akeyless", found) else { return };
    // ESO takes all three only from Secrets, whatever the auth strategy; what KES had as a plain
    // value goes into a Secret that the user fills.
    let parts = [
        (context.akeyless_access_id(), "accessID", "AKEYLESS_ACCESS_ID"),
        (context.akeyless_access_type(), "accessType", "AKEYLESS_ACCESS_TYPE"),
        (context.akeyless_access_type_param(), "accessTypeParam", "AKEYLESS_ACCESS_TYPE_PARAM"),
    ];
    let [access_id, access_type, access_type_param] = parts.map(|(fact, key, variable)| {
        let credential = known(fact, found);
        Some(facts.credential(credential, &mut skeleton, key, variable, found))
    });
    let secret_ref = AkeylessAuthSecretRef {
        access_id,
        access_type,
        access_type_param,
        ..AkeylessAuthSecretRef::default()
    };
    out.skeleton = (!skeleton.keys.is_empty()).then_some(skeleton);
    let Some(url) = url else { return };
    let host = url
        .split("://")
        .last()
        .unwrap_or(&url)
        .split([':', '/'])
        .next()
        .unwrap_or_default()
        .to_owned();
    out.store = StoreSeed {
        short: "akeyless",
        readable: readable([host.as_str()]),
        provider: Provider {
            akeyless: Some(AkeylessProvider {
                akeyless_gw_api_url: url,
                auth_secret_ref: AkeylessAuth {
                    secret_ref: Some(secret_ref),
                    ..AkeylessAuth::default()
                },
                ..AkeylessProvider::default()
            }),
            ..Provider::default()
        },
    };
}
