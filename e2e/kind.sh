#!/usr/bin/env bash
# The same suite on kind, for machines with Docker: first as it runs elsewhere, with Curfew as a process on this machine,
# then the image and the chart as a user installs them.
set -euo pipefail
cd "$(dirname "$0")/.."

NAME=curfew-e2e
KUBECONFIG=$(mktemp)
export KUBECONFIG
kind=$(node scripts/run.mjs scripts/tools.ts kind | cut -f2)
kubectl=$(node scripts/run.mjs scripts/tools.ts kubectl | cut -f2)
helm=$(node scripts/run.mjs scripts/tools.ts helm | cut -f2)

clean_up() {
  "$kind" delete cluster --name "$NAME" || true
  rm -f "$KUBECONFIG"
}
trap clean_up EXIT

"$kind" create cluster --name "$NAME" --kubeconfig "$KUBECONFIG" --wait 120s

# kind's API server reaches this machine at the gateway of kind's network.
gateway=$(docker network inspect kind --format '{{range .IPAM.Config}}{{.Gateway}}{{"\n"}}{{end}}' | grep -m 1 -F .)
CURFEW_E2E_KUBECONFIG=$KUBECONFIG CURFEW_E2E_ADDRESS=$gateway npm run test:e2e

docker build --tag curfew:e2e .
"$kind" load docker-image curfew:e2e --name "$NAME"
"$helm" install curfew charts/curfew --namespace curfew-system --create-namespace --wait --timeout 180s \
  --set image.repository=curfew --set image.tag=e2e --set image.pullPolicy=Never --set config.mutateMode=apply
"$kubectl" create namespace shop
"$kubectl" create serviceaccount web --namespace shop

# Rules are published some seconds after a replica is ready.
for attempt in $(seq 1 30); do
  if ! answer=$("$kubectl" apply --namespace shop -f examples/try/1-long-lived-token.yaml 2>&1); then break; fi
  "$kubectl" delete --namespace shop -f examples/try/1-long-lived-token.yaml
  echo "attempt $attempt: not denied yet"
  sleep 2
done
echo "$answer"
grep -q 'long-lived-token-secret at /type' <<<"$answer"
