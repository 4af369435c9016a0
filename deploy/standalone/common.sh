# shellcheck shell=bash
# What start.sh and stop.sh share: where things are, messages, and the life of a daemon.
PROJECT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
WORK_DIR="$PROJECT/build/standalone"

say() { printf '[standalone] %s\n' "$*"; }
die() { printf '[standalone] error: %s\n' "$*" >&2; exit 1; }

# A process id may have gone to another program since; ours has a deploy class in its command.
is_alive() {
  local pid
  pid="$(cat "$1" 2>/dev/null)" || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'org\.apache\.spark\.deploy\.\(master\|worker\)\.'
}

# Workers first, so that they do not look for a master that has left.
stop_all() {
  local pid_file
  for pid_file in "$WORK_DIR"/pids/worker-*.pid "$WORK_DIR"/pids/master.pid; do
    [[ -e $pid_file ]] || continue
    stop_one "$pid_file"
  done
}

stop_one() {
  local pid_file="$1" name tenth
  name="$(basename "$pid_file" .pid)"
  if is_alive "$pid_file"; then
    kill "$(cat "$pid_file")"
    for ((tenth = 0; tenth < 100; tenth++)); do
      is_alive "$pid_file" || break
      sleep 0.1
    done
    if is_alive "$pid_file"; then
      say "$name did not stop within 10 s: killed"
      kill -KILL "$(cat "$pid_file")"
    else
      say "$name stopped"
    fi
  else
    say "$name was not running"
  fi
  rm -f "$pid_file"
}
