{{/* The command that writes `native.policies`. */}}
{{- define "curfew.native.command" -}}
{{- $minor := printf "1.%s" (.Capabilities.KubeVersion.Minor | trimSuffix "+") }}
{{- if include "curfew.native.hasMutations" . }}{{ $minor = include "curfew.native.firstMutatingVersion" . }}{{ end }}
{{- $nodes := eq .Values.native.nodeTokens "off" | ternary "" (printf " --node-tokens %s" .Values.native.nodeTokens) }}
{{- printf "curfew render policies --values values.yaml --engine %s%s --kubernetes %s --namespace %s > policies.yaml, and with the same values --set-file native.policies=policies.yaml" .Values.engine $nodes $minor .Release.Namespace }}
{{- end }}

{{/* Engines that are not given what they need, or are given what they would not use. */}}
{{- define "curfew.validateEngine" -}}
{{- $engine := .Values.engine }}
{{- $policies := .Values.native.policies }}
{{- if eq $engine "webhook" }}
{{- if $policies }}
{{- fail "native.policies is not used with engine=webhook: set engine to native or both, or leave it out." }}
{{- end }}
{{- if ne .Values.native.nodeTokens "off" }}
{{- fail (printf "native.nodeTokens is %s, and engine=webhook has no policies: a webhook is never asked about what kubelets ask for. Set engine to native or both, or leave it out." .Values.native.nodeTokens) }}
{{- end }}
{{- else }}
{{- $render := printf "Render them: %s." (include "curfew.native.command" .) }}
{{- $from := dict "configuration" dict }}
{{- if $policies }}
{{- $line := include "curfew.native.renderedFrom" . }}
{{- if not $line }}
{{- fail (printf "native.policies has no line \"# rendered from: …\", by which it is compared with these values. %s" $render) }}
{{- end }}
{{- $from = fromJson $line }}
{{- if ne $from.version .Chart.AppVersion }}
{{- fail (printf "native.policies was rendered by curfew %s, and this is %s. %s" $from.version .Chart.AppVersion $render) }}
{{- end }}
{{- if and (eq $engine "native") (ne $from.engine "native") }}
{{- fail (printf "native.policies was rendered with --engine %s, and engine is native. %s" $from.engine $render) }}
{{- end }}
{{- if ne $from.nodeTokens .Values.native.nodeTokens }}
{{- fail (printf "native.policies was rendered with --node-tokens %s, and native.nodeTokens is %s. %s" $from.nodeTokens .Values.native.nodeTokens $render) }}
{{- end }}
{{- if ne $from.namespace .Release.Namespace }}
{{- fail (printf "native.policies was rendered for namespace %s, and this release is in %s. %s" $from.namespace .Release.Namespace $render) }}
{{- end }}
{{- if not (semverCompare (printf ">=%s.0-0" $from.kubernetes) .Capabilities.KubeVersion.Version) }}
{{- fail (printf "native.policies was rendered for Kubernetes %s and later, and this cluster is %s. %s" $from.kubernetes .Capabilities.KubeVersion.Version $render) }}
{{- end }}
{{- end }}
{{- $now := include "curfew.native.configuration" (dict "config" .Values.config) | fromJson }}
{{- $then := include "curfew.native.configuration" (dict "config" $from.configuration) | fromJson }}
{{- $keys := include "curfew.native.renderedKeys" . | fromJsonArray }}
{{- if $policies }}{{ $keys = concat (include "curfew.native.writtenKeys" . | fromJsonArray) $keys }}{{ end }}
{{- /* Behind the webhook nothing is changed by policies. */}}
{{- if eq $engine "both" }}{{ $keys = without $keys "mutations" "mutateMode" }}{{ end }}
{{- range $key := $keys }}
{{- if ne (toJson (index $now $key)) (toJson (index $then $key)) }}
{{- if $policies }}
{{- fail (printf "config.%s is not what native.policies was rendered from. %s" $key $render) }}
{{- else }}
{{- fail (printf "config.%s is not in the policies that the chart ships, which are those of the default configuration. %s" $key $render) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq $engine "native" }}
{{- $unused := list }}
{{- if .Values.config.secretIndex }}{{ $unused = append $unused "config.secretIndex" }}{{ end }}
{{- if .Values.config.dryRunInjection }}{{ $unused = append $unused "config.dryRunInjection" }}{{ end }}
{{- if dig "events" "enabled" false .Values.config }}{{ $unused = append $unused "config.events.enabled" }}{{ end }}
{{- if dig "apiAccess" "approval" false .Values.config }}{{ $unused = append $unused "config.apiAccess.approval" }}{{ end }}
{{- range $key := list "server" "callerAuthentication" "tls" }}
{{- if index $.Values.config $key }}{{ $unused = append $unused (printf "config.%s" $key) }}{{ end }}
{{- end }}
{{- if .Values.failurePolicy }}{{ $unused = append $unused "failurePolicy" }}{{ end }}
{{- if .Values.callerAuthentication.ca }}{{ $unused = append $unused "callerAuthentication.ca" }}{{ end }}
{{- range $key := list "serviceMonitor" "podMonitor" "prometheusRule" "dashboard" }}
{{- if (index $.Values $key).enabled }}{{ $unused = append $unused (printf "%s.enabled" $key) }}{{ end }}
{{- end }}
{{- if and .Values.networkPolicy.enabled (not (or .Values.audit.enabled .Values.cleanup.enabled)) }}
{{- $unused = append $unused "networkPolicy.enabled" }}
{{- end }}
{{- with $unused }}
{{- fail (printf "%s is for the server, and with engine=native there is none: leave it out, or set engine to webhook or both." (first .)) }}
{{- end }}
{{- end }}
{{- /* Policies of another release have the same names, and may be of another configuration. */}}
{{- range (lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicy" "" "").items }}
{{- $owner := dig "annotations" "meta.helm.sh/release-name" "" .metadata }}
{{- $place := dig "annotations" "meta.helm.sh/release-namespace" "" .metadata }}
{{- $isCurfew := eq (dig "labels" "app.kubernetes.io/component" "" .metadata) "native-policies" }}
{{- if and $isCurfew $owner (not (and (eq $owner $.Release.Name) (eq $place $.Release.Namespace))) }}
{{- fail (printf "Curfew is in this cluster already: ValidatingAdmissionPolicy %q is of release %q in namespace %q. Two would judge every object twice, each by its own configuration. Upgrade that release, or remove it first: helm uninstall %s --namespace %s" .metadata.name $owner $place $owner $place) }}
{{- end }}
{{- end }}
{{- end }}
