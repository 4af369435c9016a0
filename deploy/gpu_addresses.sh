#!/usr/bin/env bash
# Tells Spark which GPUs this machine has: spark.executor.resource.gpu.discoveryScript.
set -euo pipefail
addresses="$(nvidia-smi --query-gpu=index --format=csv,noheader \
  | awk '{ printf "%s\"%s\"", separator, $1; separator = ", " }')"
printf '{"name": "gpu", "addresses": [%s]}\n' "$addresses"
