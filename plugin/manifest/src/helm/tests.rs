use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::edit::{Replacement, splice};
use crate::write::write;

fn file(text: &str) -> (HelmFile, StandIns) {
    let mut words = StandIns::default();
    let source = SourceFile::new("chart.yaml", text);
    let file = HelmFile::read(FileId(0), &source, &mut words, &Limits::default());
    (file.unwrap_or_else(|error| panic!("{error}: {text}")), words)
}

fn error(text: &str) -> (u32, String) {
    let source = SourceFile::new("chart.yaml", text);
    let read = HelmFile::read(FileId(0), &source, &mut StandIns::default(), &Limits::default());
    let error = read.expect_err(text);
    (error.at.unwrap(), error.message)
}

/// The file with each of its objects written anew.
fn rewritten(text: &str) -> String {
    let (file, words) = file(text);
    let replacements: Vec<_> = file
        .documents
        .iter()
        .filter_map(|document| {
            let text = write(document.node()?);
            let text =
                words.restore(&text, &Limits::default()).unwrap_or_else(|e| panic!("{e}: {text}"));
            Some(Replacement { span: file.region(document.index)?, text })
        })
        .collect();
    splice(text, &replacements)
}

fn all_actions(text: &str) -> Vec<&str> {
    scan::actions(text).unwrap().into_iter().map(|action| &text[action.span]).collect()
}

#[test]
fn actions_end_where_go_ends_them() {
    let text = r#"a {{ "}}" }} {{ `}}"` }} {{- '}' -}} {{/* }} */}} {{- /* " */ -}} b }}"#;
    let actions = all_actions(text);
    assert_eq!(
        actions,
        [r#"{{ "}}" }}"#, r#"{{ `}}"` }}"#, "{{- '}' -}}", "{{/* }} */}}", r#"{{- /* " */ -}}"#]
    );
    assert_eq!(error("a: 1\nb: {{ .x\n").0, 8);
    assert_eq!(error("a: {{ \"x\n\" }}\n").0, 3);
    assert_eq!(error("{{ end }}\n").0, 0);
    assert_eq!(error("a: 1\n{{ if .x }}\n").0, 5);
}

#[test]
fn lines_of_actions_belong_to_nobody() {
    let text = "# head\n{{- if .x }}\na: {{ .y }}\n# own\n{{- end }}\n# tail\n";
    let (file, words) = file(text);
    let [document] = file.documents.as_slice() else { panic!("{:?}", file.documents) };
    let region = file.region(0).unwrap();
    assert_eq!(file.source().slice(region), "a: {{ .y }}\n# own\n");
    let node = document.node().unwrap();
    assert_eq!(words.restore(&write(node), &Limits::default()).unwrap(), "a: {{ .y }}\n# own\n");
    assert_eq!(file.within(region).len(), 1);
}

#[test]
fn a_block_of_text_ends_before_the_line_of_an_action() {
    for header in ["|", "|+", "|-", ">"] {
        let text = format!("a: {header}\n  x {{{{ .y }}}}\n{{{{- end }}}}\n# c\n");
        let text = format!("{{{{- if .z }}}}\n{text}");
        let (file, words) = file(&text);
        let value =
            file.documents[0].node().unwrap().get("a").unwrap().as_str().unwrap().to_owned();
        let end = if header == "|-" { "" } else { "\n" };
        assert_eq!(words.put_back(&value), format!("x {{{{ .y }}}}{end}"), "{header}");
    }
}

#[test]
fn quotes_stay_as_they_are() {
    for text in [
        "a: {{ .x }}\n",
        "a: \"{{ .x }}\"\n",
        "a: '{{ .x }}'\n",
        "a: |\n  x\n  {{ .x }}\n",
        "a: '{{ .x | default \"y\" }} it''s'\n",
        "a: \"{{ .x | default `y` }} \\\"q\\\" é\"\n",
        "a: x{{ .x }}-{{ .y }} # {{ .z }}\n",
        "- {{ .x }}\n- {{ if .y }}p{{ else }}q{{ end }}/r\n",
        "metadata:\n  labels:\n    {{- include \"l\" . | nindent 4 }}\n    a: b\n",
        "{{ .x }}: y\n",
    ] {
        if text.starts_with("{{ .x }}:") {
            let (file, words) = file(text);
            let written = write(file.documents[0].node().unwrap());
            let error = words.restore(&written, &Limits::default()).unwrap_err();
            assert!(error.message.contains("name of a field"), "{error}");
        } else {
            assert_eq!(rewritten(text), text);
        }
    }
}

#[test]
fn the_same_action_in_other_quotes_is_another_word() {
    let text = "a: {{ .x }}\nb: \"{{ .x }}\"\nc: {{ .x }}\n";
    let (file, _) = file(text);
    let node = file.documents[0].node().unwrap();
    let word = |key: &str| node.get(key).unwrap().as_str().unwrap();
    assert_eq!(word("a"), word("c"));
    assert_ne!(word("a"), word("b"));
    assert_eq!(word("a").len(), "{{ .x }}".len());
}

#[test]
fn words_are_not_in_the_file() {
    let mut text = String::from("a: {{ .x }}\nb: '");
    for first in ['q', 'z', 'x'] {
        for digit in '0'..='9' {
            for last in ['q', 'z', 'x', 'j', 'k'] {
                text.extend([first, digit, last, ' ']);
            }
        }
    }
    text.push_str("'\n");
    let (file, words) = file(&text);
    let node = file.documents[0].node().unwrap();
    assert!(node.get("a").unwrap().as_str().unwrap().starts_with('j'));
    assert_eq!(
        words.put_back(&write(node)),
        write(node).replace(node.get("a").unwrap().as_str().unwrap(), "{{ .x }}")
    );
}

#[test]
fn what_would_mean_something_else_is_refused() {
    let (_, words) = file(
        "a: {{ .x }}\nb: \"{{ .y }}\"\nmetadata:\n  labels:\n    {{- include \"l\" . | nindent 4 }}\n",
    );
    let held: Vec<String> = words.find("").map(|(_, held)| held.text.clone()).collect();
    assert!(held.is_empty());
    let (file, words) = file(
        "a: {{ .x }}\nb: \"{{ .y }}\"\nmetadata:\n  labels:\n    {{- include \"l\" . | nindent 4 }}\n",
    );
    let node = file.documents[0].node().unwrap();
    let plain = node.get("a").unwrap().as_str().unwrap();
    let double = node.get("b").unwrap().as_str().unwrap();
    let entries = &node.at(&["metadata", "labels"]).unwrap().as_mapping().unwrap()[0].key;
    let restore = |text: &str| words.restore(text, &Limits::default());
    assert_eq!(restore(&format!("a: {double}\n")).unwrap(), "a: \"{{ .y }}\"\n");
    assert_eq!(restore(&format!("a: |\n  l\n  {double}\n")).unwrap(), "a: \"l\\n{{ .y }}\\n\"\n");
    for (yaml, why) in [
        (format!("a: '{plain} '\n"), "without quotes"),
        (format!("a: {plain}{double}\n"), "other quotes"),
        (format!("a: \"{{{{`{{{{ .{double} }}}}`}}}}\"\n"), "code of a KES template"),
        (format!("{plain}: a\n"), "name of a field"),
        (format!("a:\n  {entries}: \"\"\n"), "another column"),
    ] {
        let error = restore(&yaml).expect_err(&yaml);
        assert!(error.message.contains(why), "{yaml}: {error}");
        assert!(!error.message.contains("{{"), "no action is quoted: {error}");
    }
}

#[test]
fn helm_prints_every_text_as_it_is() {
    assert_eq!(printed_as_it_is("a"), "a");
    assert_eq!(printed_as_it_is("{{ .x }} {{`{{ .y }}`}}"), "{{`{{ .x }}`}} {{`{{ .y }}`}}");
    assert_eq!(printed_as_it_is("{{ open"), "{{`{{`}} open");
    assert_eq!(printed_as_it_is("{{ `r` }}"), "{{`{{ `}}{{\"`\"}}{{`r`}}{{\"`\"}}{{` }}`}}");
}

#[test]
fn long_lines_take_linear_time() {
    let many = "{{ if .x }}a{{ end }}{{ .y }}".repeat(20_000);
    let open = "{{ if .x }}".repeat(20_000) + "\n" + &"{{ end }}".repeat(20_000);
    for text in [
        format!("a: \"{many}\"\n"),
        format!("a: \"{open}\"\n"),
        format!("# {}\n", "{{.}}".repeat(90_000)),
    ] {
        let _ = HelmFile::read(
            FileId(0),
            &SourceFile::new("f", text),
            &mut StandIns::default(),
            &Limits::default(),
        );
    }
}

/// An action that prints something.
fn printing() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{{ .Values.a }}".to_owned()),
        Just("{{ .Release.Namespace }}".to_owned()),
        Just("{{.}}".to_owned()),
        Just("{{ include \"x.name\" . | quote }}".to_owned()),
        Just("{{ if .Values.b }}p{{ else }}q{{ end }}".to_owned()),
        Just("{{ printf \"}}\" }}".to_owned()),
        "[a-z]{1,8}".prop_map(|name| format!("{{{{ .Values.{name} }}}}")),
    ]
}

/// A value with actions in it, in quotes of any kind.
fn value() -> impl Strategy<Value = String> {
    (proptest::collection::vec(printing(), 1..3), 0..5_u8, "[a-z]{0,4}").prop_map(
        |(actions, style, text)| {
            let all = actions.join(&text);
            match style {
                0 => format!("v{all}"),
                1 => format!("\"{all} \\\"{text}\""),
                2 => format!("'{all} ''{text}'"),
                3 => format!("|\n    x{text} {all}\n    second"),
                _ => format!("{text}x # {all}"),
            }
        },
    )
}

fn object() -> impl Strategy<Value = String> {
    (proptest::collection::vec(value(), 1..4), any::<bool>()).prop_map(|(values, labels)| {
        let mut out = String::from("kind: A # kind\nspec:\n");
        for (i, value) in values.iter().enumerate() {
            let _ = writeln!(out, "  # above {i}\n  f{i}: {value}");
        }
        if labels {
            out.push_str("labels:\n  {{- include \"l\" . | nindent 2 }}\n  app: x\n");
        }
        out
    })
}

/// Documents, comments and blocks in any order, blocks in blocks.
fn chart() -> impl Strategy<Value = (String, usize)> {
    let leaf = prop_oneof![
        4 => object().prop_map(|text| (format!("---\n{text}"), 1)),
        1 => Just(("# a comment {{ .Values.c }}\n".to_owned(), 0)),
        1 => Just(("{{/* a comment\n  kind: Secret */}}\n".to_owned(), 0)),
        1 => Just(("{{- $v := .Values.d -}}\n".to_owned(), 0)),
        1 => Just(("---\n".to_owned(), 0)),
        1 => Just(("\n".to_owned(), 0)),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let opens = prop_oneof![
            Just("{{- if .Values.e }}"),
            Just("{{- range $k, $v := .Values.f }}"),
            Just("  {{ with .Values.g -}}"),
        ];
        (opens, proptest::collection::vec(inner, 1..5), any::<bool>()).prop_map(
            |(open, parts, last)| {
                let count = parts.iter().map(|(_, count)| count).sum();
                let body: String = parts.into_iter().map(|(text, _)| text).collect();
                let close = if last { "{{- end -}}\n" } else { "{{ end }}\n" };
                (format!("{open}\n{body}{close}"), count)
            },
        )
    })
}

proptest! {
    #[test]
    fn every_action_comes_back_once_and_in_order((text, objects) in chart(), crlf in any::<bool>()) {
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let (file, words) = file(&text);
        let masked = file.masked.text();
        prop_assert_eq!(masked.len(), text.len());
        prop_assert!(!masked.contains("{{"));
        let nodes: Vec<_> = file.documents.iter().filter(|d| d.node().is_some()).collect();
        prop_assert_eq!(nodes.len(), objects, "{}\nread as\n{}", text, masked);
        prop_assert!(!file.documents.iter().any(|d| matches!(d.content, Content::Broken(_))));
        let anew = rewritten(&text);
        prop_assert_eq!(all_actions(&anew), all_actions(&text), "{}\nbecame\n{}", text, anew);
        // What was written reads as before, and a second time nothing changes.
        prop_assert_eq!(rewritten(&anew).replace('\r', ""), anew.replace('\r', ""));
        drop(words);
    }

    #[test]
    fn no_text_is_too_odd(text in "(\\{\\{|\\}\\}|-|if|end|range|[a-c:#'\"|\n `/*.-]){0,60}") {
        let source = SourceFile::new("f", text.as_str());
        let mut words = StandIns::default();
        if let Ok(file) = HelmFile::read(FileId(0), &source, &mut words, &Limits::default()) {
            prop_assert_eq!(file.masked.text().len(), text.len());
            for document in &file.documents {
                if let Some(node) = document.node() {
                    let _ = words.restore(&write(node), &Limits::default());
                }
            }
        }
        let _ = printed_as_it_is(&text);
    }
}
