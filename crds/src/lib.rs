//! The `external-secrets.io/v1` API: its types, its schema, and the rules that it states itself.
//!
//! Three promises hold for every type here:
//!
//! - **What is absent stays absent.** A default of the API is an accessor (for example
//!   [`ExternalSecretTarget::deletion_policy`]) and is never written into the object.
//! - **What is unknown stays.** Every object keeps the fields it does not know in `other`, every
//!   enumeration keeps the strings it does not know in `Other`, and a provider that is not
//!   modelled is kept as JSON under its name.
//! - **The order of the fields is fixed**, so that written manifests can be compared.
//!
//! One thing is not kept: a field that is written as `null`. The API server drops it before it
//! stores the object, so absent and `null` mean the same.

pub mod cluster_external_secret;
pub mod condition;
pub mod duration;
pub mod external_secret;
mod open_enum;
pub mod provider;
pub mod rules;
pub mod schema;
pub mod selector;
pub mod store;

pub use cluster_external_secret::{
    ClusterExternalSecret, ClusterExternalSecretSpec, ClusterExternalSecretStatus,
};
pub use condition::{Condition, ConditionType};
pub use external_secret::{ExternalSecret, ExternalSecretSpec, ExternalSecretStatus};
pub use external_secret::{ExternalSecretTarget, ExternalSecretTemplate};
pub use provider::Provider;
pub use store::{ClusterSecretStore, SecretStore, SecretStoreSpec, SecretStoreStatus};

/// The API group of all kinds of this crate.
pub const GROUP: &str = "external-secrets.io";

/// The only version of the API that is served.
pub const VERSION: &str = "v1";

/// `apiVersion` of all kinds of this crate.
pub const API_VERSION: &str = "external-secrets.io/v1";

/// Fields that an object has and its type does not know, by name.
pub type UnknownFields = std::collections::BTreeMap<String, serde_json::Value>;
