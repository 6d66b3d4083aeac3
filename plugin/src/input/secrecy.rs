//! Which files may hold values that no message must quote.

use extsecret_manifest::node::Node;
use extsecret_manifest::read::{Content, Document};

/// API groups whose manifests are references to secrets and not secrets.
const QUOTABLE: [&str; 3] =
    ["kubernetes-client.io", "external-secrets.io", "secrets-store.csi.x-k8s.io"];

/// True when no line of this file may appear in a message: it holds a `Secret`, or something in it
/// could not be read and nothing says that it is one of our manifests (it may be anything, such as
/// a file with credentials that was named by mistake).
pub(super) fn is_confidential(text: &str, documents: &[Document]) -> bool {
    if mentions_secret(text) {
        return true;
    }
    let ours = QUOTABLE.iter().any(|group| text.contains(group));
    documents.iter().any(|document| match &document.content {
        Content::Node(node) => holds_secret(node),
        Content::Broken(_) => !ours,
        Content::Empty => false,
    })
}

/// A `kind: Secret` that can be seen without parsing, for documents that do not parse.
fn mentions_secret(text: &str) -> bool {
    text.match_indices("kind").any(|(at, word)| {
        let rest = text.get(at + word.len()..).unwrap_or_default();
        let rest = rest.trim_start_matches(['"', '\'']).trim_start();
        let Some(rest) = rest.strip_prefix(':') else { return false };
        let rest = rest.trim_start().trim_start_matches(['"', '\'']);
        rest.strip_prefix("Secret")
            .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// Also when it is an item of a List.
pub(crate) fn holds_secret(node: &Node) -> bool {
    let is_secret = node
        .get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| kind == "Secret" || kind == "SecretList");
    is_secret
        || node
            .get("items")
            .and_then(Node::as_sequence)
            .is_some_and(|items| items.iter().any(holds_secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen_without_parsing() {
        for text in ["kind: Secret", "{\"kind\" : \"Secret\"}", "a: 1\nkind:   'Secret'\n\tb"] {
            assert!(mentions_secret(text), "{text}");
        }
        for text in ["kind: SecretStore", "kind: ExternalSecret", "kindness: Secret", "a Secret"] {
            assert!(!mentions_secret(text), "{text}");
        }
    }
}
