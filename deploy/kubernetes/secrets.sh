#!/usr/bin/env bash
# secrets.sh FOLDER NAMESPACE: puts what './homestage secrets init --out FOLDER' wrote into a cluster, under the names that the manifests use.
# Secrets that are there are replaced. --print writes them to standard output instead.
set -euo pipefail

if [ $# -lt 2 ] || [ "$1" = --help ]; then
  sed -n '2,3s/^# //p' "$0"
  [ "${1:-}" = --help ]
  exit
fi
folder=$1 namespace=$2
[ -d "$folder/gateway" ] || { echo "$folder is not a folder of './homestage secrets init'." >&2; exit 1; }

# secret NAME ARGUMENTS…: one Secret as YAML.
secret() { kubectl create secret generic "$1" --namespace "$namespace" --dry-run=client --output yaml "${@:2}"; echo ---; }
all() {
  local service
  for service in gateway billing entitlements staging-api staging-worker; do secret "$service" --from-file="$folder/$service"; done
  for service in billing entitlements staging-api; do secret "$service-callers" --from-file="$folder/$service/callers"; done
  for service in billing entitlements staging-api staging-worker; do secret "migrate-$service" --from-file="$folder/migrate/$service"; done
  secret gateway-cookie-keys --from-file="$folder/gateway/cookie-keys"
  secret gateway-tls --from-file=tls.crt="$folder/gateway/tls-cert" --from-file=tls.key="$folder/gateway/tls-key"
  secret keda-rabbitmq --from-file=host="$folder/keda/host"
}
if [ "${3:-}" = --print ]; then all; else all | kubectl apply --filename -; fi
