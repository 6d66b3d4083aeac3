//! The change of the pods: the volume to write in the place of the CSI driver's.

use std::fmt::Write as _;

use super::descriptor::File;
use super::pods::Mount;

/// One file that a Secret holds.
#[derive(Clone, Debug)]
struct Item {
    key: String,
    path: String,
    mode: Option<String>,
}

/// What pods do with the volume of one class.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Secrets with the files that they hold, in order.
    sources: Vec<(String, Vec<Item>)>,
    /// Files that are in no Secret.
    pub(super) missing: Vec<String>,
    /// Pods had to mount the class for its Secrets, whether or not they read the files.
    pub(super) synced: bool,
}

impl Change {
    /// `secrets` holds, by Secret, the keys with their files.
    pub(super) fn new<'a>(
        files: &[File],
        secrets: impl IntoIterator<Item = (&'a str, Vec<(&'a str, usize)>)>,
        synced: bool,
    ) -> Self {
        let mut covered = vec![false; files.len()];
        let mut sources = Vec::new();
        for (name, keys) in secrets {
            let mut items = Vec::new();
            for (key, number) in keys {
                let (Some(file), Some(seen)) = (files.get(number), covered.get_mut(number)) else {
                    continue;
                };
                if !std::mem::replace(seen, true) {
                    items.push(Item {
                        key: key.to_owned(),
                        path: file.path.clone(),
                        mode: file.mode.clone(),
                    });
                }
            }
            if !items.is_empty() {
                sources.push((name.to_owned(), items));
            }
        }
        let missing = files.iter().zip(&covered).filter(|(_, seen)| !**seen);
        Self { sources, missing: missing.map(|(file, _)| file.path.clone()).collect(), synced }
    }

    /// The volume's source on one line of YAML, for messages.
    pub(super) fn flow(&self) -> String {
        let secrets: Vec<String> = self
            .sources
            .iter()
            .map(|(name, items)| {
                let items: Vec<String> = items.iter().map(item).collect();
                let (field, mode) = if self.is_projected() {
                    ("name", "")
                } else {
                    ("secretName", ", defaultMode: 0644")
                };
                format!(
                    "secret: {{{field}: {}{mode}, items: [{}]}}",
                    quoted(name),
                    items.join(", ")
                )
            })
            .collect();
        if self.is_projected() {
            let sources: Vec<String> =
                secrets.iter().map(|secret| format!("{{{secret}}}")).collect();
            return format!("projected: {{defaultMode: 0644, sources: [{}]}}", sources.join(", "));
        }
        secrets.concat()
    }

    fn is_projected(&self) -> bool {
        self.sources.len() > 1
    }

    /// True when there is a volume to write.
    pub(super) fn is_possible(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Comment lines that say what to do with the pods' volume.
    pub(super) fn comment(&self, class: &str, mounts: &[&Mount]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |text: String| lines.push(format!("# {text}"));
        if self.synced {
            say(format!(
                "Pods need not mount the SecretProviderClass {class} any more to have this Secret."
            ));
            say("Where no container reads its files, remove the volume and its volumeMounts. Where one".into());
            say("does, replace the volume by this one and leave the volumeMounts as they are:"
                .into());
        } else {
            say(format!(
                "In the pods that mount the SecretProviderClass {class}, replace the volume by this one;"
            ));
            say("the volumeMounts stay as they are:".into());
        }
        if self.is_possible() {
            say(format!("  - name: {}", volume_name(mounts)));
            for line in self.block() {
                say(format!("    {line}"));
            }
        } else {
            say("  (none of the files is in a Secret)".into());
        }
        for path in &self.missing {
            say(format!("The file {} is in no Secret.", quoted(path)));
        }
        for mount in mounts {
            say(format!(
                "Mounted by {}, volume {}: {}",
                plain(&mount.workload),
                plain(&mount.volume),
                plain(&mount.spot)
            ));
        }
        lines
    }

    fn block(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let indent = if self.is_projected() {
            lines.extend(["projected:", "  defaultMode: 0644", "  sources:"].map(str::to_owned));
            "    "
        } else {
            ""
        };
        for (name, items) in &self.sources {
            let (dash, field) =
                if self.is_projected() { ("  - ", "name") } else { ("", "secretName") };
            lines.push(format!("{dash}secret:"));
            lines.push(format!("{indent}  {field}: {}", quoted(name)));
            if !self.is_projected() {
                lines.push("  defaultMode: 0644".into());
            }
            lines.push(format!("{indent}  items:"));
            lines.extend(items.iter().map(|one| format!("{indent}  - {}", item(one))));
        }
        lines
    }
}

/// The name that all mounts share, or a word for it.
fn volume_name(mounts: &[&Mount]) -> String {
    let mut names = mounts.iter().map(|mount| mount.volume.as_str());
    match names.next() {
        Some(first) if names.all(|name| name == first) => quoted(first),
        _ => "NAME-OF-THE-VOLUME".into(),
    }
}

fn item(item: &Item) -> String {
    let mut text = format!("{{key: {}, path: {}", quoted(&item.key), quoted(&item.path));
    if let Some(mode) = &item.mode {
        // An octal number to Kubernetes, which must not be quoted.
        let _ = write!(text, ", mode: {mode}");
    }
    text.push('}');
    text
}

/// A text in double quotes, in ASCII: it stands in a comment, where nothing can be escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if c <= '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// Text of the input without what a comment cannot hold.
fn plain(text: &str) -> String {
    let is_unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if is_unfit(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, mode: Option<&str>) -> File {
        File {
            field: String::new(),
            span: extsecret_manifest::source::Span::default(),
            path: path.into(),
            object: 0,
            property: None,
            mode: mode.map(str::to_owned),
        }
    }

    #[test]
    fn one_secret_is_a_secret_volume() {
        let files = [file("a/b", Some("0400")), file("c", None)];
        let change = Change::new(&files, [("web", vec![("a_b", 0), ("c", 1)])], false);
        assert_eq!(
            change.flow(),
            "secret: {secretName: \"web\", defaultMode: 0644, items: [{key: \"a_b\", path: \"a/b\", mode: 0400}, {key: \"c\", path: \"c\"}]}"
        );
        assert!(change.missing.is_empty());
    }

    #[test]
    fn many_secrets_are_projected_and_what_none_holds_is_named() {
        let files = [file("a", None), file("b", None), file("c", None)];
        let secrets = [("one", vec![("x", 0)]), ("two", vec![("y", 1), ("again", 0)])];
        let change = Change::new(&files, secrets, true);
        assert_eq!(change.missing, ["c"]);
        let volume = change.block().join("\n");
        let node: serde_json::Value = serde_yaml::from_str(&volume).unwrap();
        assert_eq!(
            node,
            serde_json::json!({"projected": {"defaultMode": "0644", "sources": [
                {"secret": {"name": "one", "items": [{"key": "x", "path": "a"}]}},
                {"secret": {"name": "two", "items": [{"key": "y", "path": "b"}]}},
            ]}})
        );
        let flow: serde_json::Value = serde_yaml::from_str(&change.flow()).unwrap();
        assert_eq!(flow, node);
    }

    #[test]
    fn comments_hold_no_character_that_ends_them() {
        assert_eq!(quoted("a\n\"\u{2028}\u{1f600}"), "\"a\\u000a\\\"\\u2028\\U0001f600\"");
        assert_eq!(plain("a\nb\u{85}c"), "a?b?c");
    }
}
