//! Charts that are converted as they are: Helm itself prints the old and the new templates.
//!
//! What Helm prints of the converted chart is what the conversion of the printed old chart gives.

use std::fs;
use std::path::Path;

use extsecret_tests::helm::Helm;
use extsecret_tests::require;

use crate::case::documents;
use crate::compare::assert_same_objects;
use crate::run::{plugin, scratch};

const HELPERS: &str = r#"{{- define "web.fullname" -}}
{{ .Release.Name }}-web
{{- end }}
{{- define "web.labels" -}}
app.kubernetes.io/name: web
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
"#;

const VALUES: &str = r#"region: eu-west-1
env: prod
prod: true
user: 'o"hara: {x}'
suffix: "-1"
role: arn:aws:iam::111122223333:role/reader
extra:
- name: one
  key: a/one
- name: two
  key: a/two
"#;

const TEMPLATE: &str = r#"{{/* Secrets of the web service.
kind: Secret */}}
{{- if .Values.prod }}
# of production: {{ .Values.env }}
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: {{ include "web.fullname" . }} # as everywhere
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
    tier: "{{ .Values.env }}"
spec:
  backendType: secretsManager
  region: {{ .Values.region }}
  roleArn: '{{ .Values.role }}'
  template:
    metadata:
      annotations:
        from: '{{ .Chart.Name }}'
    stringData:
      conf: |
        env={{ .Values.env }}
        {{ .Values.suffix }}
        pass=<%= JSON.parse(data.db).pass %>
      url: "https://{<%= data.db2 %>}@{{ .Values.env }}/?a={{ .Values.suffix }}"
      static: "{{ .Values.env }}"
  data:
  # the database
  - key: {{ if .Values.prod }}prod{{ else }}dev{{ end }}/db
    name: db
  - key: "{{ .Values.env }}/db2"
    name: db2
    property: pass{{ .Values.suffix }}
{{- else }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: none
{{- end }}
{{- range .Values.extra }}
---
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: {{ .name }}
  namespace: {{ $.Release.Namespace | quote }}
spec:
  backendType: secretsManager
  region: us-east-1
  data: [{key: "{{ .key }}", name: value}]
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "web.fullname" . }}
data:
  {{- range $k, $v := dict "a" "b" }}
  {{ $k }}: {{ $v }}
  {{- end }}
"#;

fn chart(root: &Path, name: &str, template: &str) {
    let folder = root.join(name);
    fs::create_dir_all(folder.join("templates")).expect("a folder");
    let meta = "apiVersion: v2\nname: web\nversion: 0.1.0\n";
    for (file, text) in [
        ("Chart.yaml", meta),
        ("values.yaml", VALUES),
        ("templates/_helpers.tpl", HELPERS),
        ("templates/secrets.yaml", template),
    ] {
        fs::write(folder.join(file), text).expect("a writable file");
    }
}

/// All objects that Helm prints.
fn printed(root: &Path, name: &str) -> Option<String> {
    let helm = Helm::without_cluster(root)?;
    let folder = root.join(name);
    let folder = folder.to_str().expect("UTF-8");
    let done = helm.args(["template", "shop", folder]).namespace("app").run();
    Some(done.succeeded())
}

fn converted(input: &Path, flags: &[&str]) -> String {
    let input = format!("--filename={}", input.display());
    let output = plugin(["migrate", &input, "--pass-through"].iter().chain(flags));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_new_chart_prints_what_the_printed_old_chart_becomes() {
    let scratch = scratch();
    let root = scratch.path();
    chart(root, "old", TEMPLATE);
    let old = require!(printed(root, "old"));
    let plain = root.join("plain.yaml");
    fs::write(&plain, &old).expect("a writable file");

    for scope in ["cluster", "namespace"] {
        let scope = format!("--scope={scope}");
        let wanted = converted(&plain, &[&scope]);
        let template = root.join("old/templates/secrets.yaml");
        let new = converted(&template, &["--helm-escape", &scope]);
        chart(root, "new", &new);
        let found = printed(root, "new").expect("Helm");
        assert_same_objects(&documents(&found), &documents(&wanted), &new);
    }
}
