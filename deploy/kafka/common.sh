# shellcheck shell=bash
# What start.sh and stop.sh share: where things are, messages, and whether the broker runs.
# shellcheck disable=SC2034
PROJECT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

say() { printf '[kafka] %s\n' "$*"; }
die() { printf '[kafka] error: %s\n' "$*" >&2; exit 1; }

# use_work_dir FOLDER: settings, data, log and process id of one broker are all below it.
use_work_dir() {
  WORK_DIR="$(realpath -m "$1")"
  SETTINGS="$WORK_DIR/server.properties"
  PID_FILE="$WORK_DIR/broker.pid"
  # shellcheck disable=SC2034
  LOG="$WORK_DIR/broker.log"
}

# A process id may have gone to another program since; ours was started with these settings.
is_alive() {
  local pid
  pid="$(cat "$PID_FILE" 2>/dev/null)" || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF " kafka.Kafka $SETTINGS "
}

# stop_broker: with SIGTERM, so that it closes its files; killed if it takes too long.
stop_broker() {
  local tenth
  if is_alive; then
    kill "$(cat "$PID_FILE")"
    for ((tenth = 0; tenth < 300; tenth++)); do
      is_alive || break
      sleep 0.1
    done
    if is_alive; then
      say "the broker did not stop within 30 s: killed"
      kill -KILL "$(cat "$PID_FILE")"
    else
      say "the broker stopped; its data stay in $WORK_DIR"
    fi
  else
    say "the broker was not running"
  fi
  rm -f "$PID_FILE"
}
