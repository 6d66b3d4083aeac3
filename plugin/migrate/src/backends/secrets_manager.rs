//! AWS Secrets Manager, and the AWS store that Parameter Store shares (specification 3.9).

use extsecret_crds::external_secret::RemoteRef;
use extsecret_crds::provider::Provider;
use extsecret_crds::provider::aws::{
    AwsAuth, AwsAuthSecretRef, AwsJwtAuth, AwsProvider, AwsService,
};

use super::{Facts, Mapped, StoreSeed, add_extracts, add_items, known, readable};
use crate::codes;
use crate::finding::Findings;
use crate::kes::{Item, Kes, Text};
use crate::options::Auth;

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    add_extracts(kes, found, out, version);
    add_items(kes, found, out, version);
    store(kes, facts, AwsService::SecretsManager, "sm", found, out);
}

/// `versionId` wins over `versionStage`; the default stage is not written.
fn version(item: &Item<'_>, remote: &mut RemoteRef, found: &mut Findings<'_>) {
    let set = |text: &Option<Text<'_>>| {
        text.as_ref().filter(|text| !text.value.is_empty()).map(|text| text.value.to_string())
    };
    if let Some(id) = set(&item.version_id) {
        remote.version = Some(format!("uuid/{id}"));
        return;
    }
    match set(&item.version_stage) {
        Some(stage) if stage == "AWSCURRENT" => {
            found.at(
                &codes::I02,
                item.span,
                format!("{}.versionStage", item.field),
                format!("AWSCURRENT of {} is the default and left out", item.label),
            );
        }
        stage => remote.version = stage,
    }
}

/// The AWS store: one per service, region, role and chain.
pub(super) fn store(
    kes: &Kes<'_>,
    facts: Facts<'_>,
    service: AwsService,
    short: &'static str,
    found: &mut Findings<'_>,
    out: &mut Mapped,
) {
    let (context, options) = (facts.context, facts.options);
    let region = Facts::own_or_said(
        kes.region.as_ref(),
        context.region(),
        options.region.as_ref(),
        "region",
        found,
    );
    let Some(region) = facts.need(region, "the region", "AWS_REGION", found) else { return };
    let role = kes.role_arn.as_ref().map(|text| text.value.to_string());
    let mut additional_roles = None;
    if let Some(role) = &role {
        found.once(
            &codes::W17,
            format!("the role `{role}` is assumed under another session name than `k8s-external-secrets`"),
        );
        if let Some(middle) = known(context.intermediate_role(), found) {
            additional_roles = Some(vec![middle.to_owned()]);
            out.role_chain = true;
        }
    }
    let role_name =
        role.as_deref().and_then(|arn| arn.rsplit(['/', ':']).next()).unwrap_or_default();
    out.store = StoreSeed {
        short,
        readable: readable([region.as_str(), role_name]),
        provider: Provider {
            aws: Some(AwsProvider {
                service,
                region,
                role,
                additional_roles,
                auth: auth(kes, facts, found, out),
                ..AwsProvider::default()
            }),
            ..Provider::default()
        },
    };
    if out.moves.enabled() {
        for field in ["region", "roleArn"] {
            out.moves.field(format!("{}.{field}", kes.root), &["spec", "secretStoreRef"]);
        }
    }
}

fn auth(
    kes: &Kes<'_>,
    facts: Facts<'_>,
    found: &mut Findings<'_>,
    out: &mut Mapped,
) -> Option<AwsAuth> {
    if facts.options.auth == Auth::SecretRef {
        return secret_ref(facts, found, out);
    }
    let service_account_ref = facts.service_account(kes, found)?;
    Some(AwsAuth {
        jwt: Some(AwsJwtAuth {
            service_account_ref: Some(service_account_ref),
            ..AwsJwtAuth::default()
        }),
        ..AwsAuth::default()
    })
}

fn secret_ref(facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) -> Option<AwsAuth> {
    let keys = known(facts.context.aws_keys(), found);
    let keys =
        facts.need(keys, "the Secret with the AWS keys of KES", "AWS_ACCESS_KEY_ID", found)?;
    let mut skeleton = facts.skeleton("kes-aws-keys", found)?;
    let mut selector = |credential, key, variable: &str| {
        facts.credential(Some(credential), &mut skeleton, key, variable, found)
    };
    let secret_ref = AwsAuthSecretRef {
        access_key_id_secret_ref: Some(selector(
            keys.access_key_id,
            "accessKeyID",
            "AWS_ACCESS_KEY_ID",
        )),
        secret_access_key_secret_ref: Some(selector(
            keys.secret_access_key,
            "secretAccessKey",
            "AWS_SECRET_ACCESS_KEY",
        )),
        session_token_secret_ref: keys
            .session_token
            .map(|token| selector(token, "sessionToken", "AWS_SESSION_TOKEN")),
        ..AwsAuthSecretRef::default()
    };
    out.skeleton = (!skeleton.keys.is_empty()).then_some(skeleton);
    Some(AwsAuth { secret_ref: Some(secret_ref), ..AwsAuth::default() })
}
