//! KES templates become ESO templates (specification 3.10).
//!
//! KES merged `template` under the Secret that it generated. A string in it that holds a lodash
//! expression is code; it is translated, or refused (E07), and never passed through.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use extsecret_crds::external_secret::TemplateMetadata;
use extsecret_manifest::node::{Entry, Node, Value};

use crate::codes;
use crate::comments::Moves;
use crate::finding::{Findings, WithHelp};
use crate::kes::{Kes, is_secret_key, text, wrong_type};
use crate::lodash::{self, Place, Scope, Style, place};
use crate::options::Options;

/// What a template contributes to the target.
#[derive(Debug, Default)]
pub(crate) struct Template {
    pub(crate) type_: Option<String>,
    pub(crate) metadata: Option<TemplateMetadata>,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) immutable: bool,
    /// Source field to output field, for comments.
    pub(crate) moves: Moves,
}

/// As the API server decodes `data`: padded, standard alphabet, lenient in the last bits.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// Reads `spec.template` and the deprecated `spec.type`.
pub(crate) fn convert(
    kes: &Kes<'_>,
    options: &Options,
    moves: Moves,
    found: &mut Findings<'_>,
) -> Template {
    let mut out = Template {
        moves,
        type_: kes.old_type.as_ref().map(|text| text.value.clone().into_owned()),
        ..Template::default()
    };
    if out.type_.is_some() {
        out.moves.field(format!("{}.type", kes.root), &["spec", "target", "template", "type"]);
    }
    let Some(template) = kes.template else { return out };
    let root = format!("{}.template", kes.root);
    let Some(entries) = template.as_mapping() else {
        wrong_type(found, template, &root, "object");
        return out;
    };
    out.moves.field(root.as_str(), &["spec", "target", "template"]);
    let scope = Scope {
        declared: fetched_names(kes).into_iter().map(ToOwned::to_owned).collect(),
        style: if options.short_templates { Style::Short } else { Style::Exact },
        place: Place::Text,
        helm: options.helm_escape,
    };
    for entry in entries {
        top_level(entry, &root, kes, &scope, &mut out, found);
    }
    forbidden_type(&out, &root, found);
    out
}

fn top_level(
    entry: &Entry,
    root: &str,
    kes: &Kes<'_>,
    scope: &Scope,
    out: &mut Template,
    found: &mut Findings<'_>,
) {
    let field = format!("{root}.{}", entry.key);
    let value = &entry.value;
    match entry.key.as_str() {
        _ if value.is_null() => {}
        "type" => {
            let Some(given) = text(value, &field, found) else { return };
            if lodash::first_expression(&given.value).is_some() {
                found
                    .at(&codes::E16, given.span, field, "`template.type` holds an expression")
                    .with_help("KES never rendered it and used the raw text as the type; write the type itself");
            } else {
                out.type_ = Some(given.value.into_owned());
                out.moves.field(field, &["spec", "target", "template", "type"]);
            }
        }
        "metadata" => {
            out.moves.tree(field.as_str(), &["spec", "target", "template", "metadata"]);
            metadata(value, &field, scope, out, found);
        }
        "immutable" => match value.value {
            Value::Bool(immutable) => {
                out.immutable = immutable;
                out.moves.field(field, &["spec", "target", "immutable"]);
            }
            _ => wrong_type(found, value, &field, "boolean"),
        },
        "data" => {
            out.moves.field(field.as_str(), &["spec", "target", "template", "data"]);
            data(value, &field, kes, scope, out, found);
        }
        "stringData" => {
            out.moves.field(field.as_str(), &["spec", "target", "template", "data"]);
            string_data(value, &field, scope, out, found);
        }
        // The generated Secret's own apiVersion and kind won over these in any case.
        "apiVersion" if value.as_str() == Some("v1") => {}
        "kind" if value.as_str() == Some("Secret") => {}
        other => {
            found.at(
                &codes::E16,
                entry.key_span,
                field,
                format!("`template.{other}` has no counterpart in an ExternalSecret"),
            );
        }
    }
}

fn metadata(node: &Node, field: &str, scope: &Scope, out: &mut Template, found: &mut Findings<'_>) {
    let Some(entries) = node.as_mapping() else {
        return wrong_type(found, node, field, "object");
    };
    let mut metadata = TemplateMetadata::default();
    for entry in entries {
        let field = format!("{field}.{}", entry.key);
        let value = &entry.value;
        match entry.key.as_str() {
            // KES ignored the name, and exports carry an empty timestamp.
            "name" | "creationTimestamp" => {}
            _ if value.is_null() => {}
            "labels" => metadata.labels = string_map(value, &field, scope, found),
            "annotations" => metadata.annotations = string_map(value, &field, scope, found),
            "finalizers" => metadata.finalizers = string_list(value, &field, found),
            other => {
                found.at(
                    &codes::E16,
                    entry.key_span,
                    field,
                    format!("`template.metadata.{other}` has no counterpart in an ExternalSecret"),
                );
            }
        }
    }
    if metadata != TemplateMetadata::default() {
        out.metadata = Some(metadata);
    }
}

fn string_map(
    node: &Node,
    field: &str,
    scope: &Scope,
    found: &mut Findings<'_>,
) -> Option<BTreeMap<String, String>> {
    let Some(entries) = node.as_mapping() else {
        wrong_type(found, node, field, "object");
        return None;
    };
    let mut map = BTreeMap::new();
    for entry in entries {
        let field = format!("{field}.{}", entry.key);
        if let Some(given) = text(&entry.value, &field, found)
            && let Some(text) = translated(&given.value, &entry.value, &field, scope, found)
        {
            map.insert(entry.key.clone(), text);
        }
    }
    (!map.is_empty()).then_some(map)
}

fn string_list(node: &Node, field: &str, found: &mut Findings<'_>) -> Option<Vec<String>> {
    let Some(items) = node.as_sequence() else {
        wrong_type(found, node, field, "array");
        return None;
    };
    let mut list = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let field = format!("{field}[{i}]");
        if let Some(given) = text(item, &field, found)
            && is_static(&given.value, item, &field, found)
        {
            list.push(given.value.into_owned());
        }
    }
    (!list.is_empty()).then_some(list)
}

/// `template.data`: base64, and every fetched key of the same name won over it.
fn data(
    node: &Node,
    field: &str,
    kes: &Kes<'_>,
    scope: &Scope,
    out: &mut Template,
    found: &mut Findings<'_>,
) {
    let Some(entries) = node.as_mapping() else {
        return wrong_type(found, node, field, "object");
    };
    let fetched = fetched_names(kes);
    let written = kes
        .template
        .and_then(|template| template.get("stringData"))
        .and_then(Node::as_mapping)
        .unwrap_or_default();
    for entry in entries {
        let key = entry.key.as_str();
        let field = format!("{field}.{key}");
        let Some(given) = secret_entry(entry, &field, found) else { continue };
        let loses_to = if fetched.contains(key) {
            Some("the fetched value of the same name")
        } else if written.iter().any(|e| e.key == key && !e.value.is_null()) {
            Some("stringData")
        } else {
            None
        };
        if let Some(winner) = loses_to {
            found.at(
                &codes::W09,
                entry.key_span,
                field,
                format!("`template.data.{key}` lost against {winner} and is left out"),
            );
            continue;
        }
        let value = if lodash::first_expression(&given).is_some() {
            let scope = Scope { place: Place::Base64, ..scope.clone() };
            translated(&given, &entry.value, &field, &scope, found)
        } else {
            decoded(&given, entry, &field, scope, found)
        };
        let Some(value) = value else { continue };
        if let Some(first) = kes.extracts.first().or(kes.paths.first()) {
            found
                .at(
                    &codes::W10,
                    entry.key_span,
                    field.as_str(),
                    format!(
                        "if {} yields a key `{key}`, KES kept the fetched value; here the template wins",
                        first.label
                    ),
                );
        }
        out.moves.field(field, &["spec", "target", "template", "data", key]);
        out.data.insert(entry.key.clone(), value);
    }
}

/// `template.stringData`: plain text, which won over fetched keys, as template data does in ESO.
fn string_data(
    node: &Node,
    field: &str,
    scope: &Scope,
    out: &mut Template,
    found: &mut Findings<'_>,
) {
    let Some(entries) = node.as_mapping() else {
        return wrong_type(found, node, field, "object");
    };
    for entry in entries {
        let field = format!("{field}.{}", entry.key);
        let Some(given) = secret_entry(entry, &field, found) else { continue };
        if let Some(text) = translated(&given, &entry.value, &field, scope, found) {
            out.moves.field(field, &["spec", "target", "template", "data", &entry.key]);
            out.data.insert(entry.key.clone(), text);
        }
    }
}

fn secret_entry(entry: &Entry, field: &str, found: &mut Findings<'_>) -> Option<String> {
    if !is_secret_key(&entry.key) {
        found.at(
            &codes::E09,
            entry.key_span,
            field,
            format!("`{}` cannot be a key of a Secret", entry.key),
        );
        return None;
    }
    text(&entry.value, field, found).map(|given| given.value.into_owned())
}

/// Static base64 as the template that renders its bytes.
fn decoded(
    given: &str,
    entry: &Entry,
    field: &str,
    scope: &Scope,
    found: &mut Findings<'_>,
) -> Option<String> {
    let bare: String = given.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let Ok(bytes) = BASE64.decode(&bare) else {
        found.at(
            &codes::E12,
            entry.value.span,
            field,
            format!("`template.data.{}` is not base64", entry.key),
        );
        return None;
    };
    Some(match String::from_utf8(bytes) {
        Ok(text) => literal(&text, scope.helm),
        Err(_) => action(&format!("\"{bare}\" | b64dec"), scope.helm),
    })
}

/// The Go template for a text, or `None` when the object is refused for it.
fn translated(
    given: &str,
    node: &Node,
    field: &str,
    scope: &Scope,
    found: &mut Findings<'_>,
) -> Option<String> {
    if lodash::first_expression(given).is_none() {
        return Some(literal(given, scope.helm));
    }
    match lodash::translate(given, scope) {
        Ok(translation) => {
            let mut told: Vec<&str> = Vec::new();
            for note in &translation.notes {
                if !told.contains(&note.code.id) {
                    told.push(note.code.id);
                    let span = place::of(found.raw(node), node.span, given, note.span);
                    found.at(note.code, span, field, format!("`{field}`: {}", note.message));
                }
            }
            if translation.program.reads_data() {
                found.once(
                    &codes::W15,
                    "templates print fetched values: KES damaged characters beyond ASCII in them",
                );
            }
            Some(translation.text)
        }
        Err(refusal) => {
            let span = place::of(found.raw(node), node.span, given, refusal.span);
            let (line, column) = place::line_and_column(given, refusal.span.start);
            let help = if refusal.failed_in_kes {
                "KES failed on it too, so the Secret never followed this template; correct it or remove it"
            } else if refusal.short_translates {
                "`--short-templates` writes the same content in Go's order, which changes the bytes of this key once; or write this template by hand"
            } else {
                "write this template by hand in the new object, or leave the object with KES for now"
            };
            found
                .at(
                    &codes::E07,
                    span,
                    field,
                    format!(
                        "`{field}` uses {}, which has no exact counterpart (line {line}, column {column} of the text)",
                        refusal.construct
                    ),
                )
                .with_help(help);
            None
        }
    }
}

/// The text of a string list, which ESO does not render.
fn is_static(given: &str, node: &Node, field: &str, found: &mut Findings<'_>) -> bool {
    let Some(kind) = lodash::first_expression(given) else { return true };
    found
        .at(
            &codes::E07,
            node.span,
            field,
            format!("`{field}` holds {kind}, and ESO renders none here"),
        )
        .with_help("write the text itself");
    false
}

fn fetched_names<'k>(kes: &'k Kes<'_>) -> BTreeSet<&'k str> {
    kes.items.iter().filter_map(|item| Some(item.name.as_ref()?.value.as_ref())).collect()
}

/// Text that a Go template prints as it is. In a chart, Helm prints that template.
pub(crate) fn literal(text: &str, helm: bool) -> String {
    text.replace("{{", &action("\"{{\"", helm))
}

/// One action. In a chart it stands in a raw string, and Helm prints it as it is.
pub(crate) fn action(text: &str, helm: bool) -> String {
    if helm { format!("{{{{`{{{{ {text} }}}}`}}}}") } else { format!("{{{{ {text} }}}}") }
}

/// What Helm prints of a text that was written for a chart.
pub(crate) fn printed_by_helm(text: &str) -> String {
    text.replace("{{`", "").replace("`}}", "")
}

/// Types that ESO refuses (eso-semantics 1.5 rule 8).
fn forbidden_type(template: &Template, root: &str, found: &mut Findings<'_>) {
    let annotated =
        template.metadata.as_ref().and_then(|metadata| metadata.annotations.as_ref()).is_some_and(
            |annotations| annotations.contains_key("kubernetes.io/service-account.name"),
        );
    let message = match template.type_.as_deref() {
        Some("kubernetes.io/service-account-token") if annotated => {
            "ESO never writes a Secret that Kubernetes would fill with a service account token"
        }
        Some("bootstrap.kubernetes.io/token") => "ESO never writes a bootstrap token",
        _ => return,
    };
    found.object(&codes::E13, message).field = Some(format!("{root}.type"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_printed_as_they_are() {
        assert_eq!(literal("a", false), "a");
        assert_eq!(literal("{{ .x }}", false), "{{ \"{{\" }} .x }}");
        assert_eq!(literal("{{{", false), "{{ \"{{\" }}{");
        assert_eq!(literal("{{ .x }}", true), "{{`{{ \"{{\" }}`}} .x }}");
        assert_eq!(printed_by_helm(&literal("{{ .x }}", true)), literal("{{ .x }}", false));
    }

    #[test]
    fn base64_is_read_as_the_api_server_reads_it() {
        assert_eq!(BASE64.decode("aGk=").unwrap(), b"hi");
        // Go ignores what the last character holds beyond the last byte.
        assert_eq!(BASE64.decode("aGl=").unwrap(), b"hi");
        assert!(BASE64.decode("aGk").is_err());
        assert!(BASE64.decode(" aGk=").is_err());
        assert!(BASE64.decode("_-8=").is_err());
    }
}
