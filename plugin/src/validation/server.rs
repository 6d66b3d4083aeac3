//! What the API server says of objects: its own definitions, and a dry run.

use std::collections::BTreeMap;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::stream::Object;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::codes;
use crate::cluster::kinds::{
    CLUSTER_EXTERNAL_SECRETS, CLUSTER_SECRET_STORES, DEFINITIONS, EXTERNAL_SECRETS,
    KES_EXTERNAL_SECRETS, Kind, SECRET_STORES,
};
use crate::cluster::{Cluster, Unread, Why};
use crate::output;

/// Kinds that are asked about.
const KINDS: [Kind; 4] =
    [EXTERNAL_SECRETS, SECRET_STORES, CLUSTER_SECRET_STORES, CLUSTER_EXTERNAL_SECRETS];

/// An API server with its definitions.
pub(crate) struct Server {
    cluster: Cluster,
    schemas: BTreeMap<&'static str, Value>,
}

impl Server {
    /// Reads the definitions. Without the right to that, those that are built in count.
    pub(crate) fn ask(cluster: Cluster) -> anyhow::Result<Self> {
        let mut schemas = BTreeMap::new();
        for kind in KINDS {
            match schema(&cluster, &kind) {
                Ok(schema) => schemas.extend(schema.map(|schema| (kind.kind, schema))),
                Err(error @ Unread { why: Why::Unreachable { .. } | Why::Unauthorized(_), .. }) => {
                    return Err(error.into());
                }
                Err(error) => {
                    output::stderr(&format!(
                        "warning: the definitions of the cluster are not known, those that are \
                         built in count: {error}\n"
                    ));
                    break;
                }
            }
        }
        Ok(Self { cluster, schemas })
    }

    /// The schema that the cluster has for a kind.
    pub(crate) fn schema(&self, kind: &str) -> Option<&Value> {
        self.schemas.get(kind)
    }

    /// What a dry run of an apply says.
    ///
    /// # Errors
    /// If nobody answers.
    pub(crate) fn dry_run(&self, object: &Object<'_>) -> Result<Option<Diagnostic>, Unread> {
        let is_it = |kind: &&Kind| {
            let version = object.api_version().and_then(|it| it.split_once('/'));
            object.kind() == Some(kind.kind) && version == Some((kind.group, kind.version))
        };
        let kind = KINDS.iter().chain([&KES_EXTERNAL_SECRETS]).find(is_it);
        let (Some(kind), Some(name)) = (kind, object.name()) else { return Ok(None) };
        let namespace = object.namespace().unwrap_or(self.cluster.namespace());
        let applied = self.cluster.apply_dry(kind, namespace, name, &object.node.to_json());
        let (code, message) = match applied {
            Ok(()) => return Ok(None),
            Err(error @ Unread { why: Why::Unreachable { .. } | Why::Unauthorized(_), .. }) => {
                return Err(error);
            }
            Err(Unread { why: Why::Refused(message), .. }) if message.contains("namespaces \"") => {
                (&codes::NOT_ASKED, message)
            }
            Err(Unread { why: Why::Refused(message), .. }) => {
                (&codes::REFUSED, without_values(&message))
            }
            Err(error @ Unread { why: Why::NotServed(_), .. }) if *kind == KES_EXTERNAL_SECRETS => {
                (&codes::OLD_KIND_NOT_SERVED, error.short())
            }
            Err(error) => (&codes::NOT_ASKED, error.short()),
        };
        let place = object.place_of(&["metadata", "name"]);
        Ok(Some(Diagnostic::new(code, message).at(place).field("metadata.name")))
    }
}

/// The schema of the version that is looked at; `None` if there is no such definition.
fn schema(cluster: &Cluster, kind: &Kind) -> Result<Option<Value>, Unread> {
    let found: Option<CustomResourceDefinition> =
        cluster.get(&DEFINITIONS, None, &kind.resource())?;
    let versions = found.into_iter().flat_map(|it| it.spec.versions);
    let version = versions.into_iter().find(|it| it.name == kind.version && it.served);
    let schema = version.and_then(|it| it.schema?.open_api_v3_schema);
    Ok(schema.and_then(|schema| serde_json::to_value(schema).ok()))
}

/// The message in one line, without the values that it quotes: one of them may be meant to be secret.
fn without_values(message: &str) -> String {
    // What does not fit into a field stands at the end of its line as Go prints it.
    let lines = message.lines().map(|line| match line.split_once(", got &value.") {
        Some((before, _)) => before.trim(),
        None => line.trim(),
    });
    let mut whole = String::with_capacity(message.len());
    for line in lines.filter(|line| !line.is_empty()) {
        let between = match whole.chars().next_back() {
            None => "",
            Some(':') => " ",
            Some(_) => "; ",
        };
        whole.push_str(between);
        whole.push_str(line);
    }
    without_quotes(&whole)
}

fn without_quotes(message: &str) -> String {
    const QUOTES: [&str; 3] = ["Invalid value: \"", "Unsupported value: \"", "Duplicate value: \""];
    let mut rest = message;
    let mut text = String::with_capacity(message.len());
    loop {
        let next = QUOTES.iter().filter_map(|mark| Some((rest.find(mark)?, mark.len()))).min();
        let Some((at, length)) = next else { break };
        let (before, after) = rest.split_at(at + length);
        text.push_str(before.strip_suffix('"').unwrap_or(before));
        text.push('…');
        let mut escaped = false;
        let end = after.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        rest = end.and_then(|(end, _)| after.get(end + 1..)).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_message_is_shown() {
        for (message, shown) in [
            (
                "x is invalid: spec.a: Invalid value: \"hunter2\": should match",
                "x is invalid: spec.a: Invalid value: …: should match",
            ),
            (
                "[a: Unsupported value: \"hun\\\"ter2\": supported values: \"A\", b: Invalid value: \"x\": no]",
                "[a: Unsupported value: …: supported values: \"A\", b: Invalid value: …: no]",
            ),
            ("Invalid value: \"hunter2", "Invalid value: …"),
            (
                "failed: errors:\n  .spec.a: expected string, got &value.valueUnstructured{Value:\
                 hunter2}\n  .spec.b: field not declared in schema\n",
                "failed: errors: .spec.a: expected string; .spec.b: field not declared in schema",
            ),
            ("unknown field \"spec.x\"", "unknown field \"spec.x\""),
        ] {
            assert_eq!(without_values(message), shown);
        }
    }
}
