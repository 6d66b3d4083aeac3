//! Providers: where a store gets its values from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;

pub mod akeyless;
pub mod aws;
pub mod azure;
pub mod fake;
pub mod gcp;
pub mod ibm;
pub mod kubernetes;
pub mod vault;

pub use akeyless::AkeylessProvider;
pub use aws::{AwsProvider, AwsService};
pub use azure::AzureKvProvider;
pub use fake::FakeProvider;
pub use gcp::GcpsmProvider;
pub use ibm::IbmProvider;
pub use kubernetes::KubernetesProvider;
pub use vault::VaultProvider;

/// The provider of a store: exactly one field is set.
///
/// It is a struct and not an enumeration, so that a store with none or with two can still be read
/// and reported ([`crate::rules`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend(
    "minProperties" = 1,
    "maxProperties" = 1,
    "x-kubernetes-preserve-unknown-fields" = true
))]
pub struct Provider {
    /// AWS Secrets Manager, Parameter Store or Certificate Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsProvider>,
    /// Vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultProvider>,
    /// Azure Key Vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azurekv: Option<AzureKvProvider>,
    /// Google Cloud Secret Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcpsm: Option<GcpsmProvider>,
    /// IBM Cloud Secrets Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ibm: Option<IbmProvider>,
    /// Akeyless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub akeyless: Option<AkeylessProvider>,
    /// Secrets of this or another cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesProvider>,
    /// Fixed values, for tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fake: Option<FakeProvider>,
    /// Providers that are not modelled, as JSON under their name.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl Provider {
    /// Names of the providers that are set, as the manifest spells them. One in a valid store.
    pub fn names(&self) -> Vec<&str> {
        let modelled = [
            ("aws", self.aws.is_some()),
            ("vault", self.vault.is_some()),
            ("azurekv", self.azurekv.is_some()),
            ("gcpsm", self.gcpsm.is_some()),
            ("ibm", self.ibm.is_some()),
            ("akeyless", self.akeyless.is_some()),
            ("kubernetes", self.kubernetes.is_some()),
            ("fake", self.fake.is_some()),
        ];
        let modelled = modelled.into_iter().filter(|(_, set)| *set).map(|(name, _)| name);
        modelled.chain(self.other.keys().map(String::as_str)).collect()
    }
}

/// A text that may be a credential: kept as it is, never shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Concealed(pub String);

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[concealed]")
    }
}

impl From<&str> for Concealed {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
