use std::collections::BTreeMap;
use std::fmt::Write as _;

use extsecret_manifest::helm::{HelmFile, StandIns, live_controls};
use extsecret_manifest::read::Limits;
use extsecret_manifest::source::{FileId, SourceFile};
use proptest::prelude::*;

use super::{Edited, settle};
use crate::{Context, FileHints, Migration, Migrator, Options, Outcome};

/// Converts one template.
fn migrate(text: &str) -> (Migration, Option<Edited>) {
    let options = Options { helm_escape: true, ..Options::default() };
    let limits = Limits::default();
    let mut words = StandIns::default();
    let source = SourceFile::new("chart.yaml", text);
    let file = HelmFile::read(FileId(0), &source, &mut words, &limits).expect(text);
    let mut migrator = Migrator::new(&Context::default(), &options);
    migrator.add_helm(FileId(0), &file, &words, FileHints::default());
    let mut migration = migrator.finish();
    let mut edited = settle(&mut migration, &words, &BTreeMap::from([(FileId(0), file)]), &limits);
    (migration, edited.remove(&FileId(0)))
}

/// An object with these lines in its `spec` below the usual ones.
fn object(lines: &str) -> String {
    format!(
        "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata:\n  name: x\n  namespace: app\nspec:\n  backendType: secretsManager\n  region: eu-west-1\n{lines}"
    )
}

/// Why the object of a text is refused, with the lines.
fn refusals(text: &str) -> Vec<(u32, String)> {
    let (migration, edited) = migrate(text);
    assert_eq!(edited, None, "the file stays as it was");
    assert!(migration.outputs.iter().all(|output| output.origin.is_none()));
    let source = SourceFile::new("chart.yaml", text);
    let [object] = migration.objects.as_slice() else { panic!("{:?}", migration.objects) };
    assert_eq!(object.outcome, Outcome::Refused);
    let said = object.diagnostics.iter();
    said.map(|d| {
        assert_eq!(d.code.id, "E14", "{}", d.message);
        assert!(d.help.is_some());
        (source.location(d.place.unwrap().span.start).line, d.message.clone())
    })
    .collect()
}

#[test]
fn what_depends_on_the_printed_value_is_refused_at_its_line() {
    let item = "  data:\n  - key: a\n    name: b\n";
    for (lines, line, why) in [
        (
            "  data:\n  {{- if .Values.x }}\n  - {key: a, name: b}\n  {{- end }}\n  - {key: c, name: d}\n",
            10,
            "decides about lines",
        ),
        ("  data:\n  {{- toYaml .Values.data | nindent 2 }}\n", 10, "may print more"),
        (
            "  template:\n    stringData:\n      {{- toYaml .Values.data | nindent 6 }}\n  data:\n  - {key: a, name: b}\n",
            11,
            "prints whole lines",
        ),
        ("  data:\n  {{/* c */}}\n  - {key: a, name: b}\n", 10, "comment of Helm's"),
        (
            "  data:\n  - key: a # {{ if .Values.x }}\n    name: b # {{ end }}\n",
            10,
            "decides about lines",
        ),
        (
            "  data:\n  - key: a\n    name: b\n    isBinary: {{ .Values.binary }}\n",
            12,
            "spec.data[0].isBinary",
        ),
        ("  kvVersion: {{ .Values.kv }}\n  data:\n  - {key: a, name: b}\n", 9, "spec.kvVersion"),
        ("  data:\n  - key: a\n    {{ .Values.k }}: b\n", 11, "names a field"),
        ("  data:\n  - key: a{{- .Values.x -}} \n    name: b\n", 10, "removes the blanks"),
        (
            "  data:\n  - key: a {{ .Values.x | indent 2 }}\n    name: b\n",
            10,
            "indents what it prints",
        ),
        (
            "  data:\n  - key: a\n    name: {{ .Values.n }}\n  template:\n    stringData:\n      c: <%= data.x %>\n",
            11,
            "the template may read",
        ),
        (
            "  template:\n    data:\n      c: {{ .Values.b64 }}\n  data:\n  - {key: a, name: b}\n",
            11,
            "spec.template.data.c",
        ),
        (
            "  template:\n    stringData:\n      c: '{{ \"{{ .x }}\" }}'\n  data:\n  - {key: a, name: b}\n",
            11,
            "code of a template",
        ),
        (
            "  template:\n    stringData:\n      c: '<%= data.{{ .Values.n }} %>'\n  data:\n  - {key: a, name: b}\n",
            11,
            "code of a KES template",
        ),
        (
            "  template:\n    stringData:\n      c: a {{ .Values.n }} <%= data.b %>\n  data:\n  - {key: a, name: b}\n",
            11,
            "put it in quotes",
        ),
    ] {
        let found = refusals(&object(lines));
        assert!(
            found.iter().any(|(at, said)| *at == line && said.contains(why)),
            "{lines}\n{found:?}"
        );
    }
    let scoped = |namespace: &str| {
        let object = object(item).replace("namespace: app", &format!("namespace: {namespace}"));
        format!("{{{{- range $k, $v := .Values.l }}}}\n---\n{object}{{{{- end }}}}\n")
    };
    assert!(refusals(&scoped("{{ .ns }}"))[0].1.contains("block that begins in line 1"));
    assert!(refusals(&scoped("{{ $v }}"))[0].1.contains("stands outside"));
    assert!(migrate(&scoped("{{ $.Release.Namespace }}")).1.is_some());
}

#[test]
fn other_objects_of_the_file_are_converted_all_the_same() {
    let bad = object("  data:\n  {{- if .Values.x }}\n  - {key: a, name: b}\n  {{- end }}\n");
    let good = object("  data:\n  - {key: \"{{ .Values.k }}\", name: b}\n");
    let good = good.replace("name: x", "name: other");
    let text =
        format!("{{{{- if .Values.y }}}}\n{bad}{{{{- end }}}}\n---\n# about other\n{good}# end\n");
    let (migration, edited) = migrate(&text);
    let edited = edited.unwrap_or_else(|| panic!("{:?}", migration.objects));
    assert!(edited.text.contains(&bad), "{}", edited.text);
    assert!(edited.text.contains("---\n# about other\napiVersion: external-secrets.io/v1\n"));
    assert!(edited.text.contains("    key: \"{{ .Values.k }}\"\n"));
    assert!(edited.text.ends_with("# end\n"));
    assert_eq!(migration.count(Outcome::Refused), 1);
    assert_eq!(migration.count(Outcome::Converted), 1);
}

#[test]
fn stores_are_the_same_for_the_same_action_and_named_without_it() {
    let one =
        object("  data:\n  - {key: a, name: b}\n").replace("eu-west-1", "{{ .Values.region }}");
    let two = one.replace("name: x", "name: other");
    let (migration, _) = migrate(&format!("{one}---\n{two}"));
    assert_eq!(migration.stores(), 1);
    let name = migration.outputs[0].name.clone();
    let hash = name.strip_prefix("kes-sm-").unwrap();
    assert!(hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    // The name does not depend on what else is in the file.
    let (again, _) = migrate(&format!("# {{{{ .Values.other }}}}\n---\n{two}"));
    assert_eq!(again.outputs[0].name, name);
}

/// Lines of an object's data and template with actions in them.
fn body() -> impl Strategy<Value = String> {
    let action = || {
        prop_oneof![
            Just("{{ .Values.a }}"),
            Just("{{ $.Values.b | quote }}"),
            Just("{{ if .Values.c }}c{{ end }}"),
            Just("{{- .Values.d }}"),
            Just("{{ .Values.e | nindent 4 }}"),
        ]
    };
    let text = (action(), 0..4_u8, any::<bool>()).prop_map(|(action, style, code)| {
        let code = if code { "<%= data.n0 %>" } else { "t" };
        match style {
            0 => format!("x{action}"),
            1 => format!("\"{action} {code} {{\""),
            2 => format!("'{code}{action}'"),
            _ => format!("|\n        l {action}\n        {code}"),
        }
    });
    let line = (0..5_u8, any::<bool>());
    (proptest::collection::vec((action(), line), 1..4), proptest::collection::vec(text, 0..3))
        .prop_map(|(items, texts)| {
            let mut out = String::new();
            if !texts.is_empty() {
                out.push_str("  template:\n    stringData:\n");
                for (i, text) in texts.iter().enumerate() {
                    let _ = writeln!(out, "      t{i}: {text}");
                }
            }
            out.push_str("  data:\n");
            for (i, (action, (kind, comment))) in items.iter().enumerate() {
                let comment = if *comment {
                    format!("  # c{i} {{{{ .Values.z }}}}\n")
                } else {
                    String::new()
                };
                let item = match kind {
                    0 => format!("  - key: {action}\n    name: n{i}\n"),
                    1 => format!("  - key: k\n    property: p{action}\n    name: n{i}\n"),
                    2 => format!(
                        "  {{{{- if .Values.i }}}}\n  - {{key: a, name: n{i}}}\n  {{{{- end }}}}\n"
                    ),
                    3 => format!("  - key: \"{action}/k\" # t{i}\n    name: n{i}\n"),
                    _ => format!("  - key: k{i}\n    name: n{i}\n"),
                };
                out.push_str(&comment);
                out.push_str(&item);
            }
            out
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn nothing_is_lost(bodies in proptest::collection::vec((body(), 0..4_u8), 1..5)) {
        let mut text = String::from("{{/* head */}}\n");
        for (i, (body, around)) in bodies.iter().enumerate() {
            let object = object(body).replace("name: x\n", &format!("name: x{i}\n"));
            let _ = match around {
                0 => write!(text, "---\n# about {i}\n{object}"),
                1 => write!(text, "---\n{{{{- if .Values.o{i} }}}}\n{object}{{{{- end }}}}\n# after {i}\n"),
                2 => write!(text, "{{{{- with .Values.o{i} }}}}\n---\n{object}{{{{ end }}}}\n"),
                _ => write!(text, "---\nkind: ConfigMap\ndata:\n  a: {{{{ .Values.m }}}}\n---\n{object}"),
            };
        }
        let (migration, edited) = migrate(&text);
        let converted = migration.count(Outcome::Converted);
        prop_assert_eq!(converted + migration.count(Outcome::Refused), bodies.len());
        let after = edited.map_or_else(|| text.clone(), |edited| edited.text);
        prop_assert_eq!(live_controls(&after), live_controls(&text));
        // Objects that were refused are there as they were, converted ones in the new form.
        prop_assert_eq!(after.matches("apiVersion: external-secrets.io/v1\n").count(), converted);
        for (i, (body, _)) in bodies.iter().enumerate() {
            let object = object(body).replace("name: x\n", &format!("name: x{i}\n"));
            let refused = migration.objects.iter().any(|o| {
                o.outcome == Outcome::Refused && o.name.as_deref() == Some(&format!("x{i}"))
            });
            prop_assert_eq!(after.contains(&object), refused, "{}", after);
        }
        // Every comment and every action is there.
        let mut words = StandIns::default();
        let source = SourceFile::new("after", after.as_str());
        let file = HelmFile::read(FileId(0), &source, &mut words, &Limits::default());
        prop_assert!(file.is_ok());
        for comment in text.lines().filter_map(|line| line.trim().strip_prefix("# ")) {
            prop_assert!(after.contains(comment), "{} in {}", comment, after);
        }
        for part in text.split("{{").skip(1) {
            let action = part.split("}}").next().unwrap_or_default();
            prop_assert!(after.contains(action), "{} in {}", action, after);
        }
    }
}
