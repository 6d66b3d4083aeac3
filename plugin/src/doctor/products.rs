//! Programs that look after Secrets, told from other Deployments.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Container;

/// A program that makes Secrets, or restarts what reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Product {
    /// External Secrets Operator.
    Eso,
    /// extsecret-controller.
    Ours,
    /// kubernetes-external-secrets.
    Kes,
    /// Stakater's.
    Reloader,
    /// That of External Secrets Operator, which turns events into refreshes.
    EsoReloader,
}

/// What a Deployment of a product is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Controller,
    Webhook,
    CertController,
}

/// A Deployment of a product, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) product: Product,
    pub(super) role: Role,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The tag of its image.
    pub(super) version: Option<String>,
    pub(super) args: Vec<String>,
    pub(super) wanted: i32,
    pub(super) available: i32,
    /// How its pods are found.
    pub(super) selector: String,
}

impl Product {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Eso => "External Secrets Operator",
            Self::Ours => "extsecret-controller",
            Self::Kes => "kubernetes-external-secrets",
            Self::Reloader => "Reloader",
            Self::EsoReloader => "the reloader of External Secrets Operator",
        }
    }

    /// True for those that reconcile ExternalSecrets of external-secrets.io.
    pub(super) fn reconciles(self) -> bool {
        matches!(self, Self::Eso | Self::Ours)
    }

    /// The Lease that replicas share unless a flag says otherwise.
    fn lease(self) -> &'static str {
        match self {
            Self::Ours => "extsecret-controller",
            _ => "external-secrets-controller",
        }
    }
}

impl Program {
    /// What a Deployment is, by the image of a container, else by the label that charts set.
    pub(super) fn of(deployment: Deployment) -> Option<Self> {
        let spec = deployment.spec?;
        let pod = spec.template.spec.unwrap_or_default();
        let labels = deployment.metadata.labels.unwrap_or_default();
        let label = labels.get("app.kubernetes.io/name").map(String::as_str).unwrap_or_default();
        let by_image =
            |container: &Container| product(container.image.as_deref().unwrap_or_default());
        let known = pod.containers.iter().find_map(|it| Some((by_image(it)?, it)));
        let (product, container) =
            known.or_else(|| Some((labelled(label)?, pod.containers.first()?)))?;
        let args: Vec<String> =
            container.command.iter().chain(&container.args).flatten().cloned().collect();
        let has = |word: &str| args.iter().any(|arg| arg == word);
        let role = if product == Product::Eso && (has("webhook") || label.ends_with("webhook")) {
            Role::Webhook
        } else if product == Product::Eso
            && (has("certcontroller") || label.ends_with("cert-controller"))
        {
            Role::CertController
        } else {
            Role::Controller
        };
        let wanted = spec.replicas.unwrap_or(1);
        let matches = spec.selector.match_labels.unwrap_or_default();
        let matches: Vec<String> =
            matches.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(Self {
            product,
            role,
            namespace: deployment.metadata.namespace.unwrap_or_default(),
            name: deployment.metadata.name.unwrap_or_default(),
            version: container.image.as_deref().and_then(tag),
            args,
            wanted,
            available: deployment.status.and_then(|it| it.available_replicas).unwrap_or_default(),
            selector: matches.join(","),
        })
    }

    /// The value of a flag, as `--flag=value` or as two words.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            let Some(rest) = arg.strip_prefix(name) else { continue };
            if rest.is_empty() {
                return Some(args.next().map_or("", String::as_str));
            }
            if let Some(value) = rest.strip_prefix('=') {
                return Some(value);
            }
        }
        None
    }

    /// The class of stores that it looks after.
    pub(super) fn class(&self) -> &str {
        self.flag("--controller-class").unwrap_or("default")
    }

    /// The only namespace that it looks at.
    pub(super) fn scope(&self) -> Option<&str> {
        self.flag("--namespace").filter(|it| !it.is_empty())
    }

    /// The Lease that it holds while it works; `None` if it works without.
    pub(super) fn lease(&self) -> Option<&str> {
        // The value of a switch is no word of its own.
        let on = |arg: &String| {
            arg == "--enable-leader-election" || arg == "--enable-leader-election=true"
        };
        let elects = self.product.reconciles() && self.args.iter().any(on);
        elects.then(|| self.flag("--leader-election-id").unwrap_or(self.product.lease()))
    }

    pub(super) fn runs(&self) -> bool {
        self.available > 0
    }

    /// `namespace/name`.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// The product of an image: registries and mirrors differ, the last parts of its path rarely do.
fn product(image: &str) -> Option<Product> {
    let path = image.split('@').next().unwrap_or_default();
    let path = match path.rsplit_once('/') {
        Some((folder, last)) => (folder, last.split(':').next().unwrap_or_default()),
        None => ("", path.split(':').next().unwrap_or_default()),
    };
    let owner = path.0.rsplit('/').next().unwrap_or_default();
    match path.1 {
        "reloader" if owner == "external-secrets" => Some(Product::EsoReloader),
        "reloader" => Some(Product::Reloader),
        name => labelled(name),
    }
}

fn labelled(name: &str) -> Option<Product> {
    match name {
        "external-secrets" | "external-secrets-webhook" | "external-secrets-cert-controller" => {
            Some(Product::Eso)
        }
        "extsecret-controller" => Some(Product::Ours),
        "kubernetes-external-secrets" => Some(Product::Kes),
        "reloader" => Some(Product::Reloader),
        _ => None,
    }
}

/// The tag of an image; a digest tells nobody a version.
fn tag(image: &str) -> Option<String> {
    let path = image.split('@').next()?;
    let last = path.rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag.to_owned())
}

#[cfg(test)]
pub(super) fn program(product: Product, name: &str, args: &[&str]) -> Program {
    Program {
        product,
        role: Role::Controller,
        namespace: "secrets".to_owned(),
        name: name.to_owned(),
        version: None,
        args: args.iter().map(ToString::to_string).collect(),
        wanted: 1,
        available: 1,
        selector: "app=it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn products_are_told_by_their_images() {
        for (image, expected) in [
            ("ghcr.io/external-secrets/external-secrets:v2.9.0", Some(Product::Eso)),
            ("mirror.test:5000/a/external-secrets@sha256:00", Some(Product::Eso)),
            ("ghcr.io/x/extsecret-controller", Some(Product::Ours)),
            ("ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5", Some(Product::Kes)),
            ("stakater/reloader:v1", Some(Product::Reloader)),
            ("ghcr.io/external-secrets/reloader:v0.1", Some(Product::EsoReloader)),
            ("nginx", None),
            ("", None),
        ] {
            assert_eq!(product(image), expected, "{image}");
        }
        assert_eq!(tag("mirror.test:5000/a/b"), None);
        assert_eq!(tag("mirror.test:5000/a/b:1.2@sha256:0").as_deref(), Some("1.2"));
    }

    #[test]
    fn a_deployment_is_read() {
        let read = |image: &str, args: &[&str], label: &str| {
            let deployment = serde_json::from_value(json!({
                "metadata": { "name": "it", "namespace": "secrets",
                    "labels": { "app.kubernetes.io/name": label } },
                "spec": {
                    "selector": { "matchLabels": { "app": "it", "b": "c" } },
                    "template": { "spec": { "containers": [
                        { "name": "proxy", "image": "proxy" },
                        { "name": "it", "image": image, "args": args },
                    ] } },
                },
                "status": { "availableReplicas": 1 },
            }));
            Program::of(deployment.unwrap())
        };
        let eso = "ghcr.io/external-secrets/external-secrets:v2.9.0";
        let webhook = read(eso, &["webhook", "--port=10250"], "external-secrets-webhook").unwrap();
        assert_eq!((webhook.role, webhook.version.as_deref()), (Role::Webhook, Some("v2.9.0")));
        assert_eq!(read(eso, &["certcontroller"], "").unwrap().role, Role::CertController);
        let args = ["--enable-leader-election", "--controller-class", "blue", "--namespace="];
        let controller = read(eso, &args, "").unwrap();
        assert_eq!(controller.role, Role::Controller);
        assert_eq!((controller.class(), controller.scope()), ("blue", None));
        assert_eq!(controller.lease(), Some("external-secrets-controller"));
        assert_eq!(controller.selector, "app=it,b=c");
        let mirrored = read("mirror/secrets-operator:1", &[], "external-secrets").unwrap();
        assert_eq!((mirrored.product, mirrored.lease()), (Product::Eso, None));
        assert_eq!(read("nginx", &[], "nginx"), None);
    }
}
