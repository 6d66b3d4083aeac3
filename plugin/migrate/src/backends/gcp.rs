//! Google Secret Manager (specification 3.9).

use extsecret_crds::external_secret::RemoteRef;
use extsecret_crds::provider::Provider;
use extsecret_crds::provider::gcp::{
    GcpAuthSecretRef, GcpWorkloadIdentity, GcpsmAuth, GcpsmProvider,
};

use super::{Facts, Mapped, StoreSeed, add_extracts, add_items, known, readable};
use crate::codes;
use crate::context::{FileSource, ObjectKey};
use crate::finding::Findings;
use crate::kes::{Item, Kes};
use crate::options::Auth;

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    add_extracts(kes, found, out, |_, _, _| {});
    add_items(kes, found, out, version);
    store(kes, facts, found, out);
}

fn version(item: &Item<'_>, remote: &mut RemoteRef, found: &mut Findings<'_>) {
    match item.version.as_ref().map(|text| text.value.as_ref()) {
        None | Some("") => {}
        Some("latest") => {
            found.at(
                &codes::I02,
                item.span,
                format!("{}.version", item.field),
                format!("`latest` of {} is the default and left out", item.label),
            );
        }
        Some(version) => remote.version = Some(version.to_owned()),
    }
}

fn store(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    let project = Facts::own_or_said(
        kes.project_id.as_ref(),
        facts.context.google_project(),
        facts.options.gcp_project.as_ref(),
        "project",
        found,
    );
    let auth = match &facts.options.auth {
        Auth::Controller => None,
        Auth::SecretRef => key_file(facts, found),
        Auth::KesServiceAccount | Auth::ServiceAccount { .. } => {
            facts.service_account(kes, found).map(|account| GcpsmAuth {
                workload_identity: Some(GcpWorkloadIdentity {
                    service_account_ref: account,
                    ..GcpWorkloadIdentity::default()
                }),
                ..GcpsmAuth::default()
            })
        }
    };
    if project.is_none() {
        if facts.options.auth == Auth::SecretRef {
            let fact = "the Google project, which a key file needs,";
            facts.need(None::<String>, fact, "GOOGLE_CLOUD_PROJECT", found);
        } else {
            found.once(
                &codes::W03,
                "the Google project is not known; ESO takes the one that its own credentials belong to",
            );
        }
    }
    out.store = StoreSeed {
        short: "gcp",
        readable: readable(project.as_deref()),
        provider: Provider {
            gcpsm: Some(GcpsmProvider { project_id: project, auth, ..GcpsmProvider::default() }),
            ..Provider::default()
        },
    };
    out.moves.field(format!("{}.projectId", kes.root), &["spec", "secretStoreRef"]);
}

fn key_file(facts: Facts<'_>, found: &mut Findings<'_>) -> Option<GcpsmAuth> {
    let file = known(facts.context.google_key_file(), found);
    let file = file.filter(|file| file.source == FileSource::Secret);
    let file = facts.need(
        file,
        "the Secret with KES's key file",
        "GOOGLE_APPLICATION_CREDENTIALS",
        found,
    )?;
    let source = ObjectKey { name: file.name, key: file.key };
    Some(GcpsmAuth {
        secret_ref: Some(GcpAuthSecretRef {
            secret_access_key_secret_ref: Some(facts.secret_key(&source, found)),
            ..GcpAuthSecretRef::default()
        }),
        ..GcpsmAuth::default()
    })
}
