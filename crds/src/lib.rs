//! The `external-secrets.io/v1` API.
