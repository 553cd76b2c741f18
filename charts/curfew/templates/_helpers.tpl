{{- define "curfew.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "curfew.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains (include "curfew.name" .) .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "curfew.name" .) | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "curfew.selectorLabels" -}}
app.kubernetes.io/name: {{ include "curfew.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of the chart's own; no value may set one of these keys (validate.yaml). */}}
{{- define "curfew.ownLabels" -}}
{{ include "curfew.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Merged as maps: a key that stands twice in a YAML map is read differently by everybody. */}}
{{- define "curfew.labels" -}}
{{- toYaml (merge (include "curfew.ownLabels" . | fromYaml) (default (dict) .Values.commonLabels)) }}
{{- end }}

{{/* Of the Service that a ServiceMonitor selects, and the webhook's own has not. */}}
{{- define "curfew.metricsLabels" -}}
{{- toYaml (merge (dict "app.kubernetes.io/component" "metrics") (include "curfew.labels" . | fromYaml)) }}
{{- end }}

{{- define "curfew.podLabels" -}}
{{- toYaml (merge (dict) (default (dict) .Values.podLabels) (include "curfew.labels" . | fromYaml)) }}
{{- end }}

{{/* What the server reads at its start alone: a change of it must replace the pods. */}}
{{- define "curfew.podAnnotations" -}}
{{- $own := dict }}
{{- if .Values.config.secretIndex }}
{{- $_ := set $own "curfew.dev/secret-index" "true" }}
{{- end }}
{{- if not (dig "foreignWebhooks" "watch" true .Values.config) }}
{{- $_ := set $own "curfew.dev/foreign-webhooks" "false" }}
{{- end }}
{{- if or .Values.callerAuthentication.ca .Values.config.callerAuthentication }}
{{- $_ := set $own "curfew.dev/caller-authentication" "true" }}
{{- end }}
{{- toYaml (merge $own (default (dict) .Values.podAnnotations)) }}
{{- end }}

{{/* How many there are at any time, if nothing is amiss. */}}
{{- define "curfew.leastReplicas" -}}
{{- ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled }}
{{- end }}

{{- define "curfew.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "curfew.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "curfew.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* "true" where Curfew makes its own CA and keeps it in a Secret: the argument and the right go together. */}}
{{- define "curfew.keepsAuthority" -}}
{{- if eq .Values.certificates.mode "own" }}true{{ end }}
{{- end }}

{{/* The Secret that is mounted to serve with; empty where there is none. */}}
{{- define "curfew.servingSecret" -}}
{{- if eq .Values.certificates.mode "certManager" }}
{{- printf "%s-serving" (include "curfew.fullname" .) }}
{{- else if eq .Values.certificates.mode "provided" }}
{{- .Values.certificates.provided.existingSecret }}
{{- end }}
{{- end }}

{{/* `config.tls` as the chart sets it, where a Secret is mounted: what API servers trust is the chart's value or in the Secret. */}}
{{- define "curfew.tls" -}}
{{- if include "curfew.servingSecret" . }}
certFile: /etc/curfew/tls/tls.crt
keyFile: /etc/curfew/tls/tls.key
caFile: {{ ternary "/etc/curfew/config/webhook-ca.crt" "/etc/curfew/tls/ca.crt" (ne .Values.webhook.caBundle "") }}
source: {{ ternary "cert-manager" "secret" (eq .Values.certificates.mode "certManager") }}
{{- end }}
{{- end }}

{{/* "true" where cert-manager writes the CA bundle into the webhook configurations. */}}
{{- define "curfew.injectsBundle" -}}
{{- if and (eq .Values.webhook.publishedBy "chart") (eq .Values.certificates.mode "certManager") (not .Values.webhook.caBundle) }}true{{ end }}
{{- end }}

{{- define "curfew.webhookAnnotations" -}}
{{- $own := dict }}
{{- if include "curfew.injectsBundle" . }}
{{- $_ := set $own "cert-manager.io/inject-ca-from" (printf "%s/%s" .Release.Namespace (include "curfew.servingSecret" .)) }}
{{- end }}
{{- toYaml (merge $own (default (dict) .Values.webhook.annotations)) }}
{{- end }}

{{/* In audit mode nothing may be held up, so every entry fails open; in an emergency too. */}}
{{- define "curfew.failurePolicy" -}}
{{- if or .context.Values.config.dryRun (eq (default "" .context.Values.failurePolicy) "Ignore") }}Ignore{{ else }}{{ .policy }}{{ end }}
{{- end }}

{{/* Namespaces that never reach an entry: judged nowhere, whatever the selector says, but no call is made for them. */}}
{{- define "curfew.platformNamespaces" -}}
{{- $own := list .Release.Namespace "kube-node-lease" "kube-public" }}
{{- $excluded := concat $own (default (list) .Values.config.excludedNamespaces) }}
{{- $sets := include "curfew.namespaceSets" . | fromJson }}
{{- range .Values.config.excludedNamespaceSets }}
{{- $excluded = concat $excluded (index $sets .) }}
{{- end }}
{{- toJson ($excluded | uniq) }}
{{- end }}
