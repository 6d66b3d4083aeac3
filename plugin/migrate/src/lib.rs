//! kubernetes-external-secrets resources become external-secrets.io ones.
