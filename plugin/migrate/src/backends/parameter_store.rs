//! AWS Systems Manager Parameter Store (specification 3.9).

use extsecret_crds::external_secret::{
    DataFromSource, Find, FindName, RemoteRef, Rewrite, RewriteRegexp,
};
use extsecret_crds::provider::aws::AwsService;

use super::{Facts, Mapped, add_extracts, add_items, secrets_manager, split_version};
use crate::codes;
use crate::finding::Findings;
use crate::kes::{Item, Kes};

pub(super) fn convert(kes: &Kes<'_>, facts: Facts<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    add_extracts(kes, found, out, version);
    add_paths(kes, found, out);
    add_items(kes, found, out, version);
    if let Some(key) = kes.key_before_path.as_ref().filter(|_| !facts.options.assume_disjoint) {
        found.object(
            &codes::W10,
            format!("{key} stands before a path: if the path yields the same key, KES kept the path's value"),
        );
    }
    secrets_manager::store(kes, facts, AwsService::ParameterStore, "ssm", found, out);
}

/// `name:3` pins a version. A label and a whole ARN stay in the key.
fn version(item: &Item<'_>, remote: &mut RemoteRef, found: &mut Findings<'_>) {
    if !remote.key.starts_with("arn:") {
        split_version(item, ":", remote, found);
    }
}

/// A path becomes a `find` whose names are cut to their last segment.
fn add_paths(kes: &Kes<'_>, found: &mut Findings<'_>, out: &mut Mapped) {
    for item in &kes.paths {
        let path = item.key.value.as_ref();
        let rest = if item.recursive { "/.+$" } else { "/[^/]+$" };
        let quoted = quote(path.trim_end_matches('/'));
        if item.recursive {
            found.at(
                &codes::W11,
                item.span,
                item.field.as_str(),
                format!("two parameters below {} may end in the same name", item.label),
            );
        }
        if out.moves.enabled() {
            let at = out.data_from.len().to_string();
            out.moves.field(item.field.as_str(), &["spec", "dataFrom", &at]);
            out.moves
                .field(format!("{}.path", item.field), &["spec", "dataFrom", &at, "find", "path"]);
        }
        out.data_from.push(DataFromSource {
            find: Some(Find {
                path: Some(path.to_owned()),
                name: Some(FindName {
                    regexp: Some(format!("^{quoted}{rest}")),
                    ..FindName::default()
                }),
                ..Find::default()
            }),
            rewrite: Some(vec![Rewrite {
                regexp: Some(RewriteRegexp {
                    source: "^.*/".into(),
                    target: String::new(),
                    ..RewriteRegexp::default()
                }),
                ..Rewrite::default()
            }]),
            ..DataFromSource::default()
        });
    }
}

/// As Go's `regexp.QuoteMeta`: a reader of the result is an RE2.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
