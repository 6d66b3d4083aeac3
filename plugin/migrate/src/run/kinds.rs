//! What an object is, beyond its own `apiVersion` and `kind`.

use std::borrow::Cow;

use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;
use extsecret_manifest::stream::Object;

/// The object with the `apiVersion` and `kind` that it may have from the list around it.
pub(super) fn named(object: Object<'_>) -> Cow<'_, Node> {
    let mut node = Cow::Borrowed(object.node);
    for (key, value) in [("kind", object.kind()), ("apiVersion", object.api_version())] {
        if let Some(value) = value.filter(|_| object.node.get(key).is_none())
            && let Value::Mapping(entries) = &mut node.to_mut().value
        {
            let value = Node::new(Value::String(value.to_owned()));
            entries.insert(0, Entry { key: key.to_owned(), key_span: Span::default(), value });
        }
    }
    node
}

/// A JSON patch whose paths only a KES object has.
pub(super) fn is_patch_of_kes(node: &Node) -> bool {
    const PATHS: [&str; 12] = [
        "/spec/backendType",
        "/spec/roleArn",
        "/spec/vaultMountPoint",
        "/spec/vaultRole",
        "/spec/kvVersion",
        "/spec/keyVaultName",
        "/spec/projectId",
        "/spec/dataFromWithOptions",
        "/spec/keyByName",
        "/spec/controllerId",
        "/spec/properties",
        "/secretDescriptor",
    ];
    let Value::Sequence(operations) = &node.value else { return false };
    let path = |node: &Node| {
        node.get("op")?.as_str()?;
        node.get("path")?.as_str().map(str::to_owned)
    };
    let paths: Option<Vec<String>> = operations.iter().map(path).collect();
    paths.is_some_and(|paths| {
        paths.iter().any(|path| PATHS.iter().any(|known| path.starts_with(known)))
    })
}
