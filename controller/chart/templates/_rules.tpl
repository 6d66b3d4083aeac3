{{- /*
What the controller does, as rules of RBAC. Each verb is one that it uses: the test chart.rs compares them with the
audit log of an API server.
*/ -}}

{{- /* In every namespace that it works in. Its watches list and watch; `get` is for the moment before a write. */ -}}
{{- define "extsecret.rules.sync" -}}
- apiGroups: [external-secrets.io]
  resources: [externalsecrets]
  verbs: [get, list, watch, patch]
- apiGroups: [external-secrets.io]
  resources: [externalsecrets/status]
  verbs: [patch]
- apiGroups: [external-secrets.io]
  resources: [secretstores]
  verbs: [list, watch]
{{- if .Values.processSecretStore }}
- apiGroups: [external-secrets.io]
  resources: [secretstores/status]
  verbs: [patch]
{{- end }}
{{- if .Values.openshiftFinalizers }}
# A Secret blocks the deletion of the ExternalSecret that owns it.
- apiGroups: [external-secrets.io]
  resources: [externalsecrets/finalizers]
  verbs: [update]
{{- end }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, delete]
# What templates are read from, and what stores refer to.
- apiGroups: [""]
  resources: [configmaps, serviceaccounts]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}

{{- /* The cluster-wide kinds. */ -}}
{{- define "extsecret.rules.cluster" -}}
# Conditions of stores and selectors of ClusterExternalSecrets look at the labels of namespaces.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- if include "extsecret.clusterStores" . }}
- apiGroups: [external-secrets.io]
  resources: [clustersecretstores]
  verbs: [list, watch]
{{- if .Values.processSecretStore }}
- apiGroups: [external-secrets.io]
  resources: [clustersecretstores/status]
  verbs: [patch]
{{- end }}
{{- end }}
{{- if include "extsecret.clusterExternalSecrets" . }}
- apiGroups: [external-secrets.io]
  resources: [clusterexternalsecrets]
  verbs: [get, list, watch, patch]
- apiGroups: [external-secrets.io]
  resources: [clusterexternalsecrets/status]
  verbs: [patch]
{{- if .Values.openshiftFinalizers }}
- apiGroups: [external-secrets.io]
  resources: [clusterexternalsecrets/finalizers]
  verbs: [update]
{{- end }}
- apiGroups: [external-secrets.io]
  resources: [externalsecrets]
  verbs: [create, update, delete]
# Finalizers that External Secrets Operator left on namespaces would block their deletion.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, patch]
{{- end }}
{{- end }}

{{- /* Stores with a serviceAccountRef. */ -}}
{{- define "extsecret.rules.tokens" -}}
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
{{- end }}

{{- /* Workloads that are restarted when a Secret changes, and since when their pods run. */ -}}
{{- define "extsecret.rules.restarts" -}}
{{- $verbs := ternary "[list, watch, patch]" "[list, watch]" (eq .Values.restarts.mode "enforce") -}}
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: {{ $verbs }}
{{- if .Values.restarts.argoRollouts }}
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: {{ $verbs }}
{{- end }}
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}

{{- /* A role and its binding: (dict "root" $ "part" "sync"). */ -}}
{{- define "extsecret.role" -}}
{{- $scoped := .root.Values.scopedNamespace }}
{{- $name := printf "%s-%s" (ternary (include "extsecret.fullname" .root) (include "extsecret.clusterName" .root) (not (empty $scoped))) .part }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "Role" "ClusterRole" (not (empty $scoped)) }}
metadata:
  name: {{ $name }}
  {{- with $scoped }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "extsecret.labels" .root | nindent 4 }}
rules:
  {{- include (printf "extsecret.rules.%s" .part) .root | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (not (empty $scoped)) }}
metadata:
  name: {{ $name }}
  {{- with $scoped }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "extsecret.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ ternary "Role" "ClusterRole" (not (empty $scoped)) }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "extsecret.serviceAccountName" .root }}
    namespace: {{ include "extsecret.namespace" .root }}
{{- end }}
