//! YAML as the Go programs around a cluster read and write it (`sigs.k8s.io/yaml`): kubectl,
//! External Secrets Operator's `toYaml` and `fromYaml`, and template results of many keys. One home for
//! the rules, because a word that one reader takes for a boolean and another for text changes a Secret.
