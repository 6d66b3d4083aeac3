//! Whose Git repository an object comes from: a tool that prunes it deletes what it owns.

use std::fmt;

use serde_json::Value;

/// What applies objects from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
    /// Helm, by itself.
    Helm,
}

/// A tool with what it calls the application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Which tool.
    pub tool: Tool,
    /// Its application, Kustomization or release.
    pub name: String,
    /// True if the object says that the tool shall not delete it.
    pub keeps: bool,
}

impl Manager {
    /// The one of an object, by the labels and annotations that the tools set.
    pub fn of(object: &Value) -> Option<Self> {
        let meta = &object["metadata"];
        let label = |key: &str| meta["labels"][key].as_str();
        let note = |key: &str| meta["annotations"][key].as_str();
        if let Some(id) = note("argocd.argoproj.io/tracking-id") {
            let name = id.split(':').next().unwrap_or(id).to_owned();
            return Some(Self { tool: Tool::ArgoCd, name, keeps: argo_keeps(&note) });
        }
        if let Some(name) = label("argocd.argoproj.io/instance") {
            let name = name.to_owned();
            return Some(Self { tool: Tool::ArgoCd, name, keeps: argo_keeps(&note) });
        }
        let flux = ["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"];
        if let Some(name) = flux.iter().find_map(|group| label(&format!("{group}/name"))) {
            let keeps = note("kustomize.toolkit.fluxcd.io/prune") == Some("disabled")
                || note("helm.sh/resource-policy") == Some("keep");
            return Some(Self { tool: Tool::Flux, name: name.to_owned(), keeps });
        }
        let name = note("meta.helm.sh/release-name")?.to_owned();
        let keeps = note("helm.sh/resource-policy") == Some("keep");
        Some(Self { tool: Tool::Helm, name, keeps })
    }

    /// What has to be done in its repository, in order (kes-migration 3.16).
    pub fn advice(&self) -> &'static str {
        match self.tool {
            Tool::ArgoCd => {
                "commit `argocd.argoproj.io/sync-options: Prune=false` to the KES objects and switch \
                 off automatic sync before `apply`; after it, commit the new manifests in place of \
                 the old ones, then switch sync on again"
            }
            Tool::Flux => {
                "commit `kustomize.toolkit.fluxcd.io/prune: disabled` to the KES objects and \
                 suspend the Kustomization before `apply`; after it, commit the new manifests in \
                 place of the old ones, then resume it"
            }
            Tool::Helm => {
                "add `helm.sh/resource-policy: keep` to the KES objects in the chart and upgrade \
                 before `apply`; after it, upgrade to a chart with the new manifests (an \
                 `helm upgrade` in between would delete or unpark KES objects)"
            }
        }
    }
}

fn argo_keeps<'a>(note: &impl Fn(&str) -> Option<&'a str>) -> bool {
    let options = note("argocd.argoproj.io/sync-options").unwrap_or_default();
    options.split(',').any(|option| option.trim() == "Prune=false")
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ArgoCd => "Argo CD",
            Self::Flux => "Flux",
            Self::Helm => "Helm",
        })
    }
}
