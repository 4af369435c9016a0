#!/usr/bin/env bash
# Stops the broker that start.sh started, found by the process id in its work folder.
set -euo pipefail
# shellcheck source=deploy/kafka/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

USAGE="usage: stop.sh --work-dir FOLDER"
WORK_DIR=""
while (($#)); do
  case "$1" in
    --work-dir) WORK_DIR="${2:?--work-dir needs a folder}"; shift 2 ;;
    --help) printf '%s\n' "$USAGE"; exit 0 ;;
    *) die "unknown option $1; $USAGE" ;;
  esac
done
[[ -n $WORK_DIR ]] || die "--work-dir is missing; $USAGE"
use_work_dir "$WORK_DIR"

[[ -e $PID_FILE ]] || { say "nothing runs from $WORK_DIR"; exit 0; }
stop_broker
