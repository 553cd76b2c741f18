{{/* A configuration with its defaults, in the keys that policies follow, as JSON. */}}
{{- define "curfew.native.configuration" -}}
{{- $all := mergeOverwrite (include "curfew.native.defaults" . | fromJson) (deepCopy .config) }}
{{- $kept := dict }}
{{- range $key := concat (include "curfew.native.writtenKeys" . | fromJsonArray) (include "curfew.native.renderedKeys" . | fromJsonArray) }}
{{- with index $all $key }}
{{- $_ := set $kept $key . }}
{{- end }}
{{- end }}
{{- /* No policy follows these. */}}
{{- toJson (merge (dict "apiAccess" (omit $all.apiAccess "approval") "cluster" (omit $all.cluster "issuers")) $kept) }}
{{- end }}

{{/* What `native.policies` was rendered from, as JSON; empty without such a line. */}}
{{- define "curfew.native.renderedFrom" -}}
{{- regexFind "(?m)^# rendered from: \\{.*\\}\\s*$" .Values.native.policies | trimPrefix "# rendered from: " | trim }}
{{- end }}

{{/* "true" where the cluster has MutatingAdmissionPolicies. */}}
{{- define "curfew.native.hasMutations" -}}
{{- if semverCompare (printf ">=%s.0-0" (include "curfew.native.firstMutatingVersion" .)) .Capabilities.KubeVersion.Version }}true{{ end }}
{{- end }}

{{/* The level of a mode in the namespaces, in CEL. */}}
{{- define "curfew.native.level" -}}
{{- $own := list }}
{{- range $name, $levels := .config.namespaces }}
{{- with index $levels $.mode }}{{ $own = append $own (printf "%q: %q" $name .) }}{{ end }}
{{- end }}
{{- $level := index .config.levels .mode | quote }}
{{- if $own }}
{{- $map := printf "{%s}" (join ", " $own) }}
{{- printf "(request.?namespace.orValue(\"\") in %s ? %s[request.?namespace.orValue(\"\")] : %s)" $map $map $level }}
{{- else }}{{ $level }}{{ end }}
{{- end }}

{{/* What stands in place of each mark of files/native-policies.yaml, as a map in JSON. */}}
{{- define "curfew.native.marks" -}}
{{- $config := include "curfew.native.configuration" (dict "config" .Values.config) | fromJson }}
{{- $marks := dict }}
{{- range $mode := list "enforce" "warn" "audit" "mutate" }}
{{- $_ := set $marks (printf "@@levels.%s@@" $mode) (include "curfew.native.level" (dict "config" $config "mode" $mode)) }}
{{- if ne $mode "mutate" }}
{{- $_ := set $marks (printf "@@clusterScoped.%s@@" $mode) (index $config.levels.clusterScoped $mode | quote) }}
{{- end }}
{{- end }}
{{- $applied := include "curfew.native.appliedMutateLevel" . | replace "@@levels.mutate@@" (index $marks "@@levels.mutate@@") }}
{{- $_ := set $marks "@@mutateLevel@@" (eq $config.mutateMode "apply" | ternary $applied (include "curfew.native.reportedMutateLevel" .)) }}
{{- $audiences := list }}
{{- range $config.cluster.apiAudiences }}{{ $audiences = append $audiences (toRawJson .) }}{{ end }}
{{- $_ := set $marks "@@audiences@@" (join ", " $audiences) }}
{{- $dryRun := default false $config.dryRun }}
{{- $_ := set $marks "@@wouldDeny@@" (ternary " (would deny)" "" $dryRun) }}
{{- $_ := set $marks "@@denyKey@@" (ternary "would-deny" "deny" $dryRun) }}
{{- $_ := set $marks "@@denyAction@@" (ternary "Warn" "Deny" $dryRun) }}
{{- toJson $marks }}
{{- end }}

{{/* The documents of the policies: those of the value, else those that the chart ships. */}}
{{- define "curfew.native.text" -}}
{{- .Values.native.policies | default (.Files.Get "files/native-policies.yaml") }}
{{- end }}
