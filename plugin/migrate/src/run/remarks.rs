//! What is said about a run as a whole.

use std::collections::BTreeSet;

use extsecret_manifest::diagnostic::Diagnostic;

use super::Migrator;
use crate::codes;
use crate::context::Family;
use crate::options::Auth;

impl Migrator<'_> {
    /// Findings that concern the run and not one object.
    pub(super) fn about_the_run(&mut self) {
        if self.drafts.is_empty() {
            return;
        }
        for setting in self.context.controller_wide() {
            if setting.family == Family::Any || self.families.contains(&setting.family) {
                self.diagnostics.push(setting.diagnostic);
            }
        }
        if self.drafts.iter().any(|(_, draft)| draft.role_chain) {
            self.diagnostics.push(Diagnostic::new(
                &codes::W25,
                "roles are assumed through KES's AWS_INTERMEDIATE_ROLE_ARN; the controller's identity must be allowed to assume it",
            ));
        }
        let aws = self.families.contains(&Family::Aws);
        let role = self.context.irsa_role().or(self.context.pod_role());
        if let Some(role) = role.filter(|_| aws && self.options.auth == Auth::Controller) {
            self.diagnostics.push(Diagnostic::new(
                &codes::I06,
                format!(
                    "KES ran as `{role}`; the new controller needs an identity with the same rights"
                ),
            ));
        }
        let controllers: BTreeSet<&str> =
            self.drafts.iter().filter_map(|(_, draft)| draft.controller.as_deref()).collect();
        if !controllers.is_empty() {
            let list = controllers.into_iter().collect::<Vec<_>>().join("`, `");
            self.diagnostics.push(
                Diagnostic::new(
                    &codes::W26,
                    format!("stores belong to the controllers `{list}`; all others to `default`"),
                )
                .help(format!("start one controller for each, with --controller-class={list}")),
            );
        }
        self.flags_that_overrule();
    }

    /// Flags that say something else than the KES deployment: given on purpose, they count.
    fn flags_that_overrule(&mut self) {
        let (context, options) = (&self.context, self.options);
        let pairs = [
            ("--region", &options.region, context.region()),
            ("--vault-server", &options.vault_server, context.vault_addr()),
            ("--vault-namespace", &options.vault_namespace, context.vault_namespace()),
            ("--vault-mount", &options.vault_mount, context.default_vault_mount()),
            ("--vault-role", &options.vault_role, context.default_vault_role()),
            ("--azure-tenant", &options.azure_tenant, context.azure_tenant()),
            ("--gcp-project", &options.gcp_project, context.google_project()),
            ("--ibm-endpoint", &options.ibm_endpoint, context.ibm_endpoint()),
            ("--akeyless-endpoint", &options.akeyless_endpoint, context.akeyless_endpoint()),
        ];
        let overruled: Vec<_> = pairs
            .into_iter()
            .filter_map(|(flag, wish, fact)| {
                let (wish, fact) = (wish.as_ref()?, fact.ok()??);
                (wish != fact).then(|| {
                    Diagnostic::new(
                        &codes::W32,
                        format!("{flag} {wish} overrules the KES deployment, which says `{fact}`"),
                    )
                })
            })
            .collect();
        self.diagnostics.extend(overruled);
    }
}
