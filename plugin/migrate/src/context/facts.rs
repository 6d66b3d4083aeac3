//! The facts that objects rely on, one method each: what it is, which variable holds it, what KES
//! did without it.
//!
//! An empty variable counts as unset, as it did for KES, except where KES looked only whether the
//! variable is there.

use extsecret_manifest::diagnostic::Diagnostic;

use super::files::{self, MountedFile};
use super::{Context, Fact, ObjectKey, Setting, Source, from_secret, setting};
use crate::codes;

/// KES polled every ten seconds unless told otherwise.
pub const DEFAULT_INTERVAL_MILLIS: u64 = 10_000;
/// The namespace annotation that permits roles, unless KES was told another name.
pub const DEFAULT_ROLE_ANNOTATION: &str = "iam.amazonaws.com/permitted";
/// The namespace annotation that permits keys, unless KES was told another name.
pub const DEFAULT_KEY_ANNOTATION: &str = "externalsecrets.kubernetes-client.io/permitted-key-name";

/// Where a credential of KES is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// In a Secret of KES's namespace, to which a store can point.
    Secret(ObjectKey),
    /// Written into the Deployment or the values; a Secret has to be made for it by hand, since
    /// its value was not kept.
    Inline,
}

/// Static credentials for AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// `AWS_ACCESS_KEY_ID`
    pub access_key_id: Credential,
    /// `AWS_SECRET_ACCESS_KEY`
    pub secret_access_key: Credential,
    /// `AWS_SESSION_TOKEN`
    pub session_token: Option<Credential>,
}

/// Whom a controller-wide setting concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Secrets Manager and Parameter Store.
    Aws,
    /// Vault.
    Vault,
    /// Every backend.
    Any,
}

/// A setting of KES that no store can carry (W19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerWide {
    /// Which objects it concerns; it need not be told when there are none of them.
    pub family: Family,
    /// The W19 that names the variable and its counterpart.
    pub diagnostic: Diagnostic,
}

/// General facts.
impl Context {
    /// `INSTANCE_ID`: which `controllerId` this KES serves. Without it KES served the objects
    /// without one.
    pub fn instance_id(&self) -> Fact<&str> {
        self.text("INSTANCE_ID")
    }

    /// `POLLER_INTERVAL_MILLISECONDS`: time between two polls of an object, in milliseconds.
    /// [`DEFAULT_INTERVAL_MILLIS`] without it; an error when it is no positive number, because a
    /// `refreshInterval` of 0 would mean "never" to ESO.
    pub fn interval_millis(&self) -> Result<u64, Diagnostic> {
        let variable = "POLLER_INTERVAL_MILLISECONDS";
        let Some(text) = self.text(variable)? else { return Ok(DEFAULT_INTERVAL_MILLIS) };
        match text.trim().parse::<f64>() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            Ok(millis) if (1.0..1e15).contains(&millis) => Ok(millis as u64),
            _ => Err(self
                .at(&codes::E10, variable, format!("{variable} is no positive number"))
                .help("convert without `--keep-interval`, or correct the variable")),
        }
    }

    /// `DISABLE_POLLING`: KES read values only when the object changed. Any value switches it on,
    /// also "false".
    pub fn polling_disabled(&self) -> bool {
        self.env.contains_key("DISABLE_POLLING")
    }

    /// `WATCHED_NAMESPACES`: the namespaces KES served; empty for all.
    pub fn watched_namespaces(&self) -> Result<Vec<&str>, Diagnostic> {
        let list = self.text("WATCHED_NAMESPACES")?.unwrap_or_default();
        Ok(list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect())
    }

    /// `ROLE_PERMITTED_ANNOTATION`: the namespace annotation that permits roles.
    /// [`DEFAULT_ROLE_ANNOTATION`] without it.
    pub fn role_annotation(&self) -> Result<&str, Diagnostic> {
        Ok(self.text("ROLE_PERMITTED_ANNOTATION")?.unwrap_or(DEFAULT_ROLE_ANNOTATION))
    }

    /// `NAMING_PERMITTED_ANNOTATION`: the namespace annotation that permits keys.
    /// [`DEFAULT_KEY_ANNOTATION`] without it.
    pub fn key_annotation(&self) -> Result<&str, Diagnostic> {
        Ok(self.text("NAMING_PERMITTED_ANNOTATION")?.unwrap_or(DEFAULT_KEY_ANNOTATION))
    }

    /// `ENFORCE_NAMESPACE_ANNOTATIONS`: namespaces without these annotations were refused. Any
    /// value switches it on, also "false".
    pub fn enforce_annotations(&self) -> bool {
        self.env.contains_key("ENFORCE_NAMESPACE_ANNOTATIONS")
    }

    /// The settings that were set and that only the whole ESO can have.
    pub fn controller_wide(&self) -> Vec<ControllerWide> {
        const ENDPOINT: &str = "KES itself used it only together with LOCALSTACK, so set it on ESO \
            only if AWS is not reached without it";
        let table = [
            (Family::Aws, "AWS_STS_ENDPOINT", "AWS_STS_ENDPOINT", ENDPOINT),
            (Family::Aws, "AWS_SM_ENDPOINT", "AWS_SECRETSMANAGER_ENDPOINT", ENDPOINT),
            (Family::Aws, "AWS_SSM_ENDPOINT", "AWS_SSM_ENDPOINT", ENDPOINT),
            (
                Family::Aws,
                "HTTP_PROXY",
                "HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
                "KES used the proxy for AWS only; ESO uses it for every backend, so set NO_PROXY \
                 for those that are reached directly",
            ),
            (
                Family::Any,
                "NODE_EXTRA_CA_CERTS",
                "the certificates of its container",
                "Vault stores name the authority themselves; for other backends mount it into the \
                 ESO container",
            ),
            (
                Family::Any,
                "WATCHED_NAMESPACES",
                "the chart's `scopedNamespace`",
                "it takes one namespace; otherwise rely on the conditions of the stores, which \
                 list the namespaces that use them",
            ),
        ];
        let mut settings: Vec<_> = table
            .into_iter()
            .filter(|(_, variable, ..)| self.is_set(variable))
            .map(|(family, variable, counterpart, help)| {
                let message = format!("{variable} is set for KES; for ESO it is {counterpart}");
                let diagnostic = self.at(&codes::W19, variable, message).help(help);
                ControllerWide { family, diagnostic }
            })
            .collect();
        if self.is_set("LOCALSTACK") {
            let message = "LOCALSTACK is set: KES read from a test double in region us-west-2, \
                whatever the objects say";
            let diagnostic = self.at(&codes::W19, "LOCALSTACK", message).help(
                "the stores point at AWS; set ESO's endpoint variables to stay with the double",
            );
            settings.push(ControllerWide { family: Family::Aws, diagnostic });
        }
        settings
    }

    /// The E10 for a fact that an object needs and that nothing says: `fact` names it, for example
    /// "the region", and `variable` is where KES would have found it.
    pub fn missing(&self, fact: &str, variable: &str) -> Diagnostic {
        let reason = match self.source {
            Source::Nothing => "the KES installation was not given".to_owned(),
            Source::Deployment => format!("{variable} is not set in the KES Deployment"),
            Source::HelmValues => format!("{variable} is not set in the Helm values of KES"),
        };
        let context = "pass the KES Deployment with `--kes-deployment` or its Helm values with \
            `--kes-values`";
        let help = match (setting::flag(variable), self.source) {
            (Some(flag), Source::Nothing) => format!("{context}, or use `{flag}`"),
            (Some(flag), _) => format!("use `{flag}`"),
            (None, Source::Nothing) => context.to_owned(),
            (None, _) => format!("add {variable} to what you passed"),
        };
        Diagnostic::new(&codes::E10, format!("{fact} is not known: {reason}")).help(help)
    }

    /// A plain setting.
    fn text(&self, variable: &str) -> Fact<&str> {
        match self.setting(variable) {
            Some(Setting::Text(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(Setting::SecretKey(source)) => Err(self.unknown(variable, &from_secret(source))),
            Some(Setting::Unknown(reason)) => Err(self.unknown(variable, reason)),
            Some(Setting::Dropped) => Ok(None),
            None => self.unseen(variable).map_or(Ok(None), Err),
        }
    }

    fn credential(&self, variable: &str) -> Fact<Credential> {
        match self.setting(variable) {
            Some(Setting::SecretKey(source)) => Ok(Some(Credential::Secret(source.clone()))),
            Some(Setting::Text(text)) if text.as_str().is_empty() => Ok(None),
            Some(Setting::Text(_) | Setting::Dropped) => Ok(Some(Credential::Inline)),
            Some(Setting::Unknown(reason)) => Err(self.unknown(variable, reason)),
            None => self.unseen(variable).map_or(Ok(None), Err),
        }
    }

    fn is_set(&self, variable: &str) -> bool {
        match self.setting(variable) {
            Some(Setting::Text(text)) => !text.as_str().is_empty(),
            Some(_) => true,
            None => false,
        }
    }

    /// The E10 for a variable that an `envFrom` source may hold whose keys are not known. A wrong
    /// guess either way could read another secret of the same name.
    fn unseen(&self, variable: &str) -> Option<Diagnostic> {
        let source = self.unseen.iter().find(|source| variable.starts_with(&source.prefix))?;
        let message =
            format!("{variable} may come from {}, which was not given (envFrom)", source.object);
        let diagnostic = Diagnostic::new(&codes::E10, message).help(format!(
            "add {} to the file; of a Secret the key names are enough, values are not read",
            source.object
        ));
        Some(match source.place {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        })
    }

    fn unknown(&self, variable: &str, reason: &str) -> Diagnostic {
        let help = setting::flag(variable).map_or_else(
            || "add what it refers to to the file, or write the value there".to_owned(),
            |flag| format!("say it with `{flag}`"),
        );
        self.at(&codes::E10, variable, format!("{variable} {reason}")).help(help)
    }

    fn at(
        &self,
        code: &'static extsecret_manifest::diagnostic::Code,
        variable: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        let diagnostic = Diagnostic::new(code, message);
        match self.place(variable) {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        }
    }
}

/// AWS.
impl Context {
    /// `AWS_REGION`, or `AMAZON_REGION`, which the SDK of KES read as well (but not
    /// `AWS_DEFAULT_REGION`). The chart's default is us-west-2; without it there is none.
    pub fn region(&self) -> Fact<&str> {
        match self.text("AWS_REGION")? {
            Some(region) => Ok(Some(region)),
            None => self.text("AMAZON_REGION"),
        }
    }

    /// `AWS_INTERMEDIATE_ROLE_ARN`: assumed before an object's `roleArn`, and only then.
    pub fn intermediate_role(&self) -> Fact<&str> {
        self.text("AWS_INTERMEDIATE_ROLE_ARN")
    }

    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; the first two count
    /// only together.
    pub fn aws_keys(&self) -> Fact<AwsKeys> {
        let access_key_id = self.credential("AWS_ACCESS_KEY_ID")?;
        let secret_access_key = self.credential("AWS_SECRET_ACCESS_KEY")?;
        let (Some(access_key_id), Some(secret_access_key)) = (access_key_id, secret_access_key)
        else {
            return Ok(None);
        };
        // A pair without a token is the usual case, so a source that might hold one is no obstacle
        // once the pair itself is known.
        let session_token = match self.setting("AWS_SESSION_TOKEN") {
            None => None,
            Some(_) => self.credential("AWS_SESSION_TOKEN")?,
        };
        Ok(Some(AwsKeys { access_key_id, secret_access_key, session_token }))
    }

    /// The role of IRSA, from the annotation of the service account.
    pub fn irsa_role(&self) -> Option<&str> {
        self.account_annotation("eks.amazonaws.com/role-arn")
    }

    /// The role of kiam or kube2iam, from the annotation of the pod.
    pub fn pod_role(&self) -> Option<&str> {
        self.pod_annotations.get("iam.amazonaws.com/role").map(String::as_str)
    }

    fn account_annotation(&self, name: &str) -> Option<&str> {
        let annotations = &self.service_account.as_ref()?.annotations;
        annotations.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Vault.
impl Context {
    /// `VAULT_ADDR`. KES took `http://127.0.0.1:8200` without it, which the chart writes out too:
    /// a loopback address means a container beside KES, or that nobody set it.
    pub fn vault_addr(&self) -> Fact<&str> {
        self.text("VAULT_ADDR")
    }

    /// `VAULT_NAMESPACE`: sent with each request.
    pub fn vault_namespace(&self) -> Fact<&str> {
        self.text("VAULT_NAMESPACE")
    }

    /// `DEFAULT_VAULT_MOUNT_POINT`: mount of the Kubernetes auth method for objects without
    /// `vaultMountPoint`.
    pub fn default_vault_mount(&self) -> Fact<&str> {
        self.text("DEFAULT_VAULT_MOUNT_POINT")
    }

    /// `DEFAULT_VAULT_ROLE`: for objects without `vaultRole`.
    pub fn default_vault_role(&self) -> Fact<&str> {
        self.text("DEFAULT_VAULT_ROLE")
    }

    /// The certificate authority of `NODE_EXTRA_CA_CERTS`, as the object behind the mounted file.
    pub fn vault_ca(&self) -> Fact<MountedFile> {
        self.file("NODE_EXTRA_CA_CERTS")
    }

    fn file(&self, variable: &str) -> Fact<MountedFile> {
        let Some(path) = self.text(variable)? else { return Ok(None) };
        files::resolve(&self.mounts, path).map(Some).map_err(|reason| {
            let message = format!("the file of {variable}, {path}, {reason}");
            let help = "put the file into a Secret or ConfigMap and mount that, in the Deployment \
                you pass";
            self.at(&codes::E10, variable, message).help(help)
        })
    }
}

/// Azure.
impl Context {
    /// `AZURE_TENANT_ID`.
    pub fn azure_tenant(&self) -> Fact<&str> {
        self.text("AZURE_TENANT_ID")
    }

    /// `AZURE_CLIENT_ID`, as a credential of a service principal.
    pub fn azure_client_id(&self) -> Fact<Credential> {
        self.credential("AZURE_CLIENT_ID")
    }

    /// `AZURE_CLIENT_SECRET`; with it KES logged in as a service principal.
    pub fn azure_client_secret(&self) -> Fact<Credential> {
        self.credential("AZURE_CLIENT_SECRET")
    }

    /// The client id of a workload or managed identity: `AZURE_CLIENT_ID`, or the annotation of
    /// the service account.
    pub fn azure_identity(&self) -> Fact<&str> {
        match self.text("AZURE_CLIENT_ID")? {
            Some(id) => Ok(Some(id)),
            None => Ok(self.account_annotation("azure.workload.identity/client-id")),
        }
    }

    /// `AZURE_ENVIRONMENT`, for example `AzureUSGovernment`. KES took `AzureCloud` without it.
    pub fn azure_environment(&self) -> Fact<&str> {
        self.text("AZURE_ENVIRONMENT")
    }

    /// `AZURE_KEY_VAULT_DNS_SUFFIX`. KES took `vault.azure.net` without it.
    pub fn azure_dns_suffix(&self) -> Fact<&str> {
        self.text("AZURE_KEY_VAULT_DNS_SUFFIX")
    }
}

/// Google Cloud.
impl Context {
    /// The key file of `GOOGLE_APPLICATION_CREDENTIALS`, as the object behind the mounted file.
    /// Without it KES used what the environment offers, such as workload identity.
    pub fn google_key_file(&self) -> Fact<MountedFile> {
        self.file("GOOGLE_APPLICATION_CREDENTIALS")
    }

    /// `GCLOUD_PROJECT` or `GOOGLE_CLOUD_PROJECT`, in the order of Google's client library. Without
    /// them KES took the project of its credentials.
    pub fn google_project(&self) -> Fact<&str> {
        match self.text("GCLOUD_PROJECT")? {
            Some(project) => Ok(Some(project)),
            None => self.text("GOOGLE_CLOUD_PROJECT"),
        }
    }

    /// The Google service account of workload identity, from the annotation of the service account.
    pub fn google_service_account(&self) -> Option<&str> {
        self.account_annotation("iam.gke.io/gcp-service-account")
    }
}

/// IBM Cloud.
impl Context {
    /// `IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT`.
    pub fn ibm_endpoint(&self) -> Fact<&str> {
        self.text("IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT")
    }

    /// `IBM_CLOUD_SECRETS_MANAGER_API_APIKEY`.
    pub fn ibm_api_key(&self) -> Fact<Credential> {
        self.credential("IBM_CLOUD_SECRETS_MANAGER_API_APIKEY")
    }

    /// `IBM_CLOUD_SECRETS_MANAGER_API_AUTH_TYPE`, for example `container`. KES took `iam` without
    /// it.
    pub fn ibm_auth_type(&self) -> Fact<&str> {
        self.text("IBM_CLOUD_SECRETS_MANAGER_API_AUTH_TYPE")
    }

    /// The trusted profile of the auth type `container`: `..._IAM_PROFILE_NAME` or, without it,
    /// `..._IAM_PROFILE_ID`.
    pub fn ibm_profile(&self) -> Fact<&str> {
        match self.text("IBM_CLOUD_SECRETS_MANAGER_API_IAM_PROFILE_NAME")? {
            Some(profile) => Ok(Some(profile)),
            None => self.text("IBM_CLOUD_SECRETS_MANAGER_API_IAM_PROFILE_ID"),
        }
    }

    /// `IBM_CLOUD_SECRETS_MANAGER_API_AUTH_URL`: another address of IBM's identity service.
    pub fn ibm_iam_endpoint(&self) -> Fact<&str> {
        self.text("IBM_CLOUD_SECRETS_MANAGER_API_AUTH_URL")
    }
}

/// Akeyless.
impl Context {
    /// `AKEYLESS_API_ENDPOINT`. KES took the public API without it.
    pub fn akeyless_endpoint(&self) -> Fact<&str> {
        self.text("AKEYLESS_API_ENDPOINT")
    }

    /// `AKEYLESS_ACCESS_ID`.
    pub fn akeyless_access_id(&self) -> Fact<Credential> {
        self.credential("AKEYLESS_ACCESS_ID")
    }

    /// `AKEYLESS_ACCESS_TYPE`. ESO wants it in a Secret, so it counts as a credential.
    pub fn akeyless_access_type(&self) -> Fact<Credential> {
        self.credential("AKEYLESS_ACCESS_TYPE")
    }

    /// `AKEYLESS_ACCESS_TYPE_PARAM`.
    pub fn akeyless_access_type_param(&self) -> Fact<Credential> {
        self.credential("AKEYLESS_ACCESS_TYPE_PARAM")
    }
}
