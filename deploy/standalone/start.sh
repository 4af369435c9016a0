#!/usr/bin/env bash
# Starts a standalone Spark cluster of the installed pyspark: one master and some workers, or only
# workers that join a master elsewhere. Returns once every worker is registered.
set -euo pipefail
# shellcheck source=deploy/standalone/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

USAGE="usage: start.sh [option value]...
  --host NAME       name or address of this machine, which others can reach (127.0.0.1)
  --port N          port of the master (7077)
  --webui-port N    port of the master's web page (8080)
  --master URL      join this master, start none
  --workers N       workers on this machine (2)
  --cores N         cores of a worker (1)
  --memory SIZE     memory of a worker's executors, 1g or more (1g)
  --work-dir FOLDER logs, process ids and executor folders ($WORK_DIR)
  --timeout N       seconds to wait for each daemon (60)"

HOST=127.0.0.1 PORT=7077 WEBUI_PORT=8080 MASTER="" WORKERS=2 CORES=1 MEMORY=1g TIMEOUT=60
while (($#)); do
  [[ $1 != --help ]] || { printf '%s\n' "$USAGE"; exit 0; }
  (($# >= 2)) || die "$1 needs a value"$'\n'"$USAGE"
  case "$1" in
    --host) HOST="$2" ;;
    --port) PORT="$2" ;;
    --webui-port) WEBUI_PORT="$2" ;;
    --master) MASTER="$2" ;;
    --workers) WORKERS="$2" ;;
    --cores) CORES="$2" ;;
    --memory) MEMORY="$2" ;;
    --work-dir) WORK_DIR="$2" ;;
    --timeout) TIMEOUT="$2" ;;
    *) die "unknown option $1"$'\n'"$USAGE" ;;
  esac
  shift 2
done

PYTHON="$PROJECT/.venv/bin/python"
[[ -x $PYTHON ]] || PYTHON="$(command -v python3)"
SPARK_HOME="$("$PYTHON" -c 'import pyspark; print(pyspark.__path__[0])' 2>/dev/null)" \
  || die "$PYTHON has no pyspark: run make setup first"
export SPARK_HOME

# Daemons take their Java from spark-env.sh, as spark-submit does.
check_java() {
  local settings="${SPARK_CONF_DIR:-$SPARK_HOME/conf}/spark-env.sh" java version
  java="$(
    # shellcheck disable=SC1090
    [[ ! -f $settings ]] || source "$settings"
    printf '%s' "${JAVA_HOME:+$JAVA_HOME/bin/}java"
  )"
  version="$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)" || true
  case "$version" in
    17 | 21) ;;
    *) die "$java is Java ${version:-that does not start}; Spark 4.0 needs 17 or 21:" \
           "run make setup, or set JAVA_HOME in $settings" ;;
  esac
}

# Spark itself would silently move on to the next port.
check_port() {
  "$PYTHON" - "$HOST" "$1" <<'CHECK' || die "use another $2"
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((host, port))
    except OSError as error:
        sys.exit(f"[standalone] error: cannot listen on {host} port {port}: {error.strerror}")
CHECK
}

# start_daemon NAME PATTERN CLASS ARGUMENT...: runs in the background until its log has PATTERN.
start_daemon() {
  local name="$1" pattern="$2" log="$WORK_DIR/logs/$1.log" pid_file="$WORK_DIR/pids/$1.pid" tenth
  shift 2
  : >"$log"
  setsid nohup "$SPARK_HOME/bin/spark-class" "$@" >"$log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  for ((tenth = 0; tenth < TIMEOUT * 10; tenth++)); do
    ! grep -q "$pattern" "$log" || return 0
    kill -0 "$(cat "$pid_file")" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 5 "$log" >&2
  stop_all >&2
  die "$name did not come up within $TIMEOUT s; the whole log is $log"
}

check_java
if compgen -G "$WORK_DIR/pids/*.pid" >/dev/null; then
  for pid_file in "$WORK_DIR"/pids/*.pid; do
    ! is_alive "$pid_file" \
      || die "$(basename "$pid_file" .pid) already runs from $WORK_DIR: stop.sh --work-dir $WORK_DIR"
  done
fi
mkdir -p "$WORK_DIR"/{logs,pids,work}
LOG_SETTINGS="-Dlog4j2.configurationFile=file:$PROJECT/deploy/standalone/log4j2.properties"
export SPARK_DAEMON_JAVA_OPTS="${SPARK_DAEMON_JAVA_OPTS:-} $LOG_SETTINGS"
# Web pages listen on every address otherwise, also those of a cluster that nobody else can join.
LOOPBACK=""
[[ $HOST != 127.* && $HOST != localhost ]] || LOOPBACK=yes
[[ -z $LOOPBACK ]] || export SPARK_LOCAL_IP="$HOST"

if [[ -z $MASTER ]]; then
  check_port "$PORT" --port
  check_port "$WEBUI_PORT" --webui-port
  MASTER="spark://$HOST:$PORT"
  start_daemon master "I have been elected leader" org.apache.spark.deploy.master.Master \
    --host "$HOST" --port "$PORT" --webui-port "$WEBUI_PORT"
  say "master $MASTER, web page http://$HOST:$WEBUI_PORT"
fi
for ((number = 1; number <= WORKERS; number++)); do
  SPARK_LOCAL_DIRS="$WORK_DIR/work" start_daemon "worker-$number" \
    "Successfully registered with master" org.apache.spark.deploy.worker.Worker --host "$HOST" \
    --webui-port 0 --cores "$CORES" --memory "$MEMORY" --work-dir "$WORK_DIR/work" "$MASTER"
  say "worker-$number registered: $CORES cores, $MEMORY"
done

SETTINGS="$WORK_DIR/spark.conf"
(cd "$PROJECT" && "$PYTHON" -m jobs.common.spark_settings standalone) >"$SETTINGS"
[[ -z $LOOPBACK ]] || echo "spark.driver.host $HOST" >>"$SETTINGS"
say "run jobs with"
printf '%s --master %s --properties-file %s jobs/JOB.py\n' \
  "$SPARK_HOME/bin/spark-submit" "$MASTER" "$SETTINGS"
