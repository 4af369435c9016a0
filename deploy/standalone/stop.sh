#!/usr/bin/env bash
# Stops what start.sh started, found by the process ids in its work folder.
set -euo pipefail
# shellcheck source=deploy/standalone/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

while (($#)); do
  case "$1" in
    --work-dir) WORK_DIR="${2:?--work-dir needs a folder}"; shift 2 ;;
    --help) printf 'usage: stop.sh [--work-dir FOLDER]\n'; exit 0 ;;
    *) die "unknown option $1; usage: stop.sh [--work-dir FOLDER]" ;;
  esac
done

compgen -G "$WORK_DIR/pids/*.pid" >/dev/null || { say "nothing runs from $WORK_DIR"; exit 0; }
stop_all
