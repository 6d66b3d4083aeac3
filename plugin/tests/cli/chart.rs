//! `--helm-escape`: templates of a chart as files.

use crate::run::Folder;

const OBJECT: &str = "apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: {{ .Release.Name }}-db
  namespace: {{ .Release.Namespace }}
spec:
  backendType: secretsManager
  region: eu-west-1
  data:
  - key: \"{{ .Values.env }}/db\"
    name: password
";

fn chart() -> String {
    format!(
        "{{{{- /* kept */ -}}}}\n{{{{- if .Values.on }}}}\n{OBJECT}{{{{- end }}}}\n---\nkind: Other\na: {{{{ toJson .Values.a }}}}\n  {{{{- with .Values.b }}}}\nb: {{{{ . }}}}\n  {{{{- end }}}}\n"
    )
}

#[test]
fn a_template_stays_a_template_wherever_it_is_written() {
    let folder = Folder::new();
    folder.write("templates/a.yaml", chart()).write("again/a.yaml", chart());
    let (head, tail) =
        chart().split_once(OBJECT).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let is_converted = |text: &str| {
        assert!(text.starts_with(&head) && text.ends_with(&tail), "{text}");
        assert!(text.contains("\n  name: {{ .Release.Name }}-db\n"), "{text}");
        assert!(text.contains("\n      key: \"{{ .Values.env }}/db\"\n"), "{text}");
        assert!(!text.contains("kubernetes-client.io"), "{text}");
    };

    let ran = folder.run("migrate -f templates --helm-escape --output-dir out");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    is_converted(&folder.read("out/a.yaml"));
    assert!(folder.read("out/secret-stores.yaml").contains("    - {{ .Release.Namespace }}\n"));
    // A second run finds its own output.
    assert_eq!(folder.run("migrate -f templates --helm-escape --output-dir out").code, Some(0));

    let ran = folder.run_with("migrate -f - --helm-escape --output-dir stdin", chart());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(folder.names("stdin"), ["secret-stores.yaml", "stdin.yaml"]);

    let ran = folder.run("migrate -f again --helm-escape --diff");
    assert!(ran.stdout.contains("\n-apiVersion: kubernetes-client.io/v1\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("\n-{{"), "{}", ran.stdout);
    let ran = folder.run("migrate -f again/a.yaml --helm-escape --in-place");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    is_converted(&folder.read("again/a.yaml"));

    let ran = folder.run("migrate -f templates --helm-escape -o json");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("templates/a.yaml, which is a Helm template"), "{}", ran.stderr);
}

#[test]
fn what_is_no_template_or_no_yaml_is_said_with_its_line() {
    let folder = Folder::new();
    folder.write("open.yaml", "a: 1\n{{- if .x }}\nb: 2\n").write(
        "two.yaml",
        format!("{{{{- if .x }}}}\n{OBJECT}{{{{- else }}}}\n{OBJECT}{{{{- end }}}}\n"),
    );
    let ran = folder.run("migrate -f open.yaml --helm-escape");
    assert!(
        ran.stderr.contains("open.yaml:2:1") && ran.stderr.contains("no `{{ end }}`"),
        "{}",
        ran.stderr
    );
    let ran = folder.run("migrate -f two.yaml --helm-escape");
    assert!(
        ran.stderr.contains("error[E14]") && ran.stderr.contains("two.yaml:14:1"),
        "{}",
        ran.stderr
    );
    // Without the flag, the advice names it.
    let ran = folder.run("migrate -f two.yaml");
    assert!(ran.stderr.contains("--helm-escape"), "{}", ran.stderr);
}

#[test]
fn a_chart_is_verified_as_helm_prints_it() {
    let folder = Folder::new();
    let template =
        "  template:\n    stringData:\n      a: \"{<%= data.password %>} {{ .Values.env }}\"\n";
    folder.write("a.yaml", format!("{OBJECT}{template}"));
    let ran = folder.run("migrate -f a.yaml --helm-escape --verify");
    assert!(
        ran.stdout.contains("{{`{{ \\\"{\\\" }}`}}{{`{{ .password }}`}}} {{ .Values.env }}"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stderr.contains("E20"), "{}", ran.stderr);
}
