{{- define "extsecret.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "extsecret.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Cluster-wide objects of two releases of one name must not meet. */ -}}
{{- define "extsecret.clusterName" -}}
{{- $full := include "extsecret.fullname" . }}
{{- $namespace := include "extsecret.namespace" . }}
{{- if contains $namespace $full }}{{ $full }}{{ else }}{{ printf "%s-%s" $namespace $full }}{{ end }}
{{- end }}

{{- define "extsecret.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "extsecret.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "extsecret.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "extsecret.selectorLabels" -}}
app.kubernetes.io/name: {{ include "extsecret.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "extsecret.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "extsecret.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "extsecret.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- /* Whether the cluster-wide kinds are served: "true" or nothing. */ -}}
{{- define "extsecret.clusterStores" -}}
{{- if and .Values.processClusterStore (not .Values.scopedNamespace) }}true{{ end }}
{{- end }}

{{- define "extsecret.clusterExternalSecrets" -}}
{{- if and .Values.processClusterExternalSecret (not .Values.scopedNamespace) }}true{{ end }}
{{- end }}

{{- /* Whether an object of prometheus-operator is made: (dict "root" $ "values" .Values.x "kind" "X"). */ -}}
{{- define "extsecret.monitored" -}}
{{- $there := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) }}
{{- if .values.enabled }}
{{- if and (eq .values.renderMode "failIfMissing") (not $there) }}
{{- fail (printf "the cluster does not know monitoring.coreos.com/v1 %s: install the Prometheus Operator, or set renderMode to skipIfMissing" .kind) }}
{{- end }}
{{- if or $there (eq .values.renderMode "alwaysRender") }}true{{ end }}
{{- end }}
{{- end }}

{{- /* Whether a CRD is missing or this release's: (dict "root" $ "name" "x.external-secrets.io"). Without a cluster it is. */ -}}
{{- define "extsecret.ownsCRD" -}}
{{- $found := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" .name }}
{{- $annotations := dig "metadata" "annotations" dict (default dict $found) }}
{{- $release := printf "%s/%s" (get $annotations "meta.helm.sh/release-namespace") (get $annotations "meta.helm.sh/release-name") }}
{{- if or (not $found) (eq $release (printf "%s/%s" .root.Release.Namespace .root.Release.Name)) }}true{{ end }}
{{- end }}

{{- /* Whether notices are sent, and so signed with a key that is mounted. */ -}}
{{- define "extsecret.notifies" -}}
{{- if and .Values.restarts.enabled .Values.restarts.notify.url }}true{{ end }}
{{- end }}

{{- /* The controller's flags, each once: those of extraArgs count instead of those that values make. */ -}}
{{- define "extsecret.args" -}}
{{- $args := dict
  "concurrent" (int .Values.concurrent)
  "live-addr" (printf "%s:%d" .Values.livenessProbe.spec.address (int .Values.livenessProbe.spec.httpGet.port))
  "log-format" .Values.log.format
  "loglevel" .Values.log.level
  "metrics-addr" (printf ":%d" (int .Values.metrics.listen.port))
  "store-requeue-interval" .Values.storeRequeueInterval }}
{{- with .Values.controllerClass }}{{ $_ := set $args "controller-class" . }}{{ end }}
{{- with .Values.scopedNamespace }}{{ $_ := set $args "namespace" . }}{{ end }}
{{- if not (include "extsecret.clusterStores" .) }}{{ $_ := set $args "enable-cluster-store-reconciler" false }}{{ end }}
{{- if not (include "extsecret.clusterExternalSecrets" .) }}{{ $_ := set $args "enable-cluster-external-secret-reconciler" false }}{{ end }}
{{- if not .Values.processSecretStore }}{{ $_ := set $args "enable-secret-store-reconciler" false }}{{ end }}
{{- if not .Values.adoptSecrets }}{{ $_ := set $args "adopt-secrets" false }}{{ end }}
{{- if .Values.lazyRefreshTime }}{{ $_ := set $args "lazy-refresh-time" nil }}{{ end }}
{{- with .Values.events.queueUrl }}{{ $_ := set $args "events-queue-url" . }}{{ end }}
{{- with .Values.restarts }}
{{- if .enabled }}
{{- $_ := set $args "restarts" .mode }}
{{- $_ := set $args "restart-key-secret" .keySecretName }}
{{- if .byDefault }}{{ $_ := set $args "restart-by-default" true }}{{ end }}
{{- with .notify.url }}
{{- $_ := set $args "restart-notify-url" . }}
{{- $_ := set $args "restart-notify-key-file" "/etc/extsecret/notify/key" }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.leaderElect }}
{{- $_ := set $args "enable-leader-election" true }}
{{- $_ := set $args "leader-election-id" (include "extsecret.fullname" .) }}
{{- $_ := set $args "leader-election-namespace" (include "extsecret.namespace" .) }}
{{- end }}
{{- range $name, $value := .Values.extraArgs }}{{ $_ := set $args $name $value }}{{ end }}
{{- $lines := list }}
{{- range $name, $values := $args }}
{{- range $value := kindIs "slice" $values | ternary $values (list $values) }}
{{- /* As JSON, a number is not written as 1e+06. */ -}}
{{- $text := kindIs "string" $value | ternary (toString $value) (toJson $value) }}
{{- $lines = append $lines (kindIs "invalid" $value | ternary (printf "--%s" $name) (printf "--%s=%s" $name $text)) }}
{{- end }}
{{- end }}
{{- toYaml $lines }}
{{- end }}
