//! The admission webhook of External Secrets Operator: if it is asked and does not answer, nothing of
//! ours can be changed.

use k8s_openapi::api::admissionregistration::v1::{
    ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::{Check, State};
use crate::cluster::kinds::{ENDPOINT_SLICES, EXTERNAL_SECRETS, VALIDATING_WEBHOOKS};
use crate::cluster::{Cluster, Selection};

/// Who may not list webhooks sees nothing here: most who may not, need not know.
pub(super) fn look(cluster: &Cluster) -> Vec<Check> {
    let mut services: Vec<(String, String, bool)> = Vec::new();
    let select = Selection::default();
    let listed = cluster.list(
        &VALIDATING_WEBHOOKS,
        None,
        &select,
        |page: Vec<ValidatingWebhookConfiguration>| {
            let webhooks = page.into_iter().flat_map(|it| it.webhooks.unwrap_or_default());
            for webhook in webhooks.filter(is_ours) {
                let closed = webhook.failure_policy.as_deref() != Some("Ignore");
                if let Some(ServiceReference { name, namespace, .. }) =
                    webhook.client_config.service
                {
                    services.push((namespace, name, closed));
                }
            }
        },
    );
    if listed.is_err() {
        return Vec::new();
    }
    services.sort_unstable();
    services.dedup();
    let checks = services.into_iter().filter_map(|(namespace, name, closed)| {
        let serves = serves(cluster, &namespace, &name)?;
        Some(judge(&format!("{namespace}/{name}"), serves, closed))
    });
    checks.collect()
}

fn is_ours(webhook: &ValidatingWebhook) -> bool {
    let groups = webhook.rules.iter().flatten().flat_map(|rule| rule.api_groups.iter().flatten());
    groups.into_iter().any(|group| group == EXTERNAL_SECRETS.group)
}

/// Whether anybody answers for a Service; `None` if that cannot be told.
fn serves(cluster: &Cluster, namespace: &str, service: &str) -> Option<bool> {
    let labels = Some(format!("kubernetes.io/service-name={service}"));
    let select = Selection { labels, ..Selection::default() };
    let mut ready = false;
    let listed =
        cluster.list(&ENDPOINT_SLICES, Some(namespace), &select, |page: Vec<EndpointSlice>| {
            let endpoints = page.into_iter().flat_map(|slice| slice.endpoints);
            ready |= endpoints
                .into_iter()
                .any(|it| it.conditions.is_none_or(|it| it.ready.unwrap_or(true)));
        });
    listed.ok().map(|_| ready)
}

fn judge(service: &str, serves: bool, closed: bool) -> Check {
    const ABOUT: &str = "webhook";
    match (serves, closed) {
        (true, _) => {
            Check::new(ABOUT, State::Ok, format!("the admission webhook {service} answers"))
        }
        (false, true) => Check::new(
            ABOUT,
            State::Problem,
            format!("nobody answers for the admission webhook {service}"),
        )
        .and("the API server refuses every change of stores and ExternalSecrets meanwhile"),
        (false, false) => Check::new(
            ABOUT,
            State::Attention,
            format!("nobody answers for the admission webhook {service}"),
        )
        .and("it is passed over: mistakes are not refused"),
    }
}
