//! What the API server writes into objects, and what an export therefore holds (I04).

/// Fields of `metadata`.
pub(crate) const METADATA: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The annotation in which `kubectl apply` keeps the whole object.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is said when any of it was left out.
pub(crate) const MESSAGE: &str = "fields that the API server writes are left out";
