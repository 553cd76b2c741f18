#!/bin/sh
# Judges what Flux would apply, before it is merged: Flux itself asks nobody. For each Kustomization of
# kustomize.toolkit.fluxcd.io below the folder given (default: clusters), its spec.path is rendered and checked in its
# spec.targetNamespace. Needs kubectl and curfew. Variables of postBuild are not filled in: judge them by
# `flux build kustomization NAME --path PATH --dry-run | curfew check -`.
set -eu
folder=${1:-clusters}
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find "$folder" -name '*.yaml' -exec awk '
  function tell() { if (is && path != "") print path, namespace; is = 0; path = ""; namespace = "default" }
  FNR == 1 || /^---/ { tell() }
  /^apiVersion: *kustomize\.toolkit\.fluxcd\.io\// { is = 1 }
  /^  path:/ { path = $2; gsub(/["'\'']/, "", path) }
  /^  targetNamespace:/ { namespace = $2; gsub(/["'\'']/, "", namespace) }
  END { tell() }
' {} + | sort -u > "$list"
if [ ! -s "$list" ]; then
  echo "$folder holds no Kustomization of Flux with a spec.path" >&2
  exit 2
fi
worst=0
while read -r path namespace; do
  echo "== $path, in namespace $namespace"
  rendered=$(kubectl kustomize "$path") || exit 2
  code=0
  printf '%s\n' "$rendered" | curfew check --namespace "$namespace" - || code=$?
  if [ "$code" -gt "$worst" ]; then worst=$code; fi
done < "$list"
exit "$worst"
