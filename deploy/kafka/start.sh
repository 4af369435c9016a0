#!/usr/bin/env bash
# Starts a Kafka broker for this machine only: one process (KRaft), on loopback, without passwords.
# Returns once it takes messages. A folder that has been used before keeps its topics.
set -euo pipefail
# shellcheck source=deploy/kafka/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

USAGE="usage: start.sh --work-dir FOLDER [option value]...
  --work-dir FOLDER    data, settings, log and process id
  --port N             port for clients on 127.0.0.1 (9092)
  --controller-port N  port of the controller in the same process (9093)
  --heap SIZE          memory of the broker's Java (768m)
  --timeout N          seconds to wait for the broker (60)"

PORT=9092 CONTROLLER_PORT=9093 HEAP=768m TIMEOUT=60 WORK_DIR=""
while (($#)); do
  [[ $1 != --help ]] || { printf '%s\n' "$USAGE"; exit 0; }
  (($# >= 2)) || die "$1 needs a value"$'\n'"$USAGE"
  case "$1" in
    --work-dir) WORK_DIR="$2" ;;
    --port) PORT="$2" ;;
    --controller-port) CONTROLLER_PORT="$2" ;;
    --heap) HEAP="$2" ;;
    --timeout) TIMEOUT="$2" ;;
    *) die "unknown option $1"$'\n'"$USAGE" ;;
  esac
  shift 2
done
[[ -n $WORK_DIR ]] || die "--work-dir is missing"$'\n'"$USAGE"
use_work_dir "$WORK_DIR"

JARS="${LAMBDASKY_KAFKA_JARS:-$PROJECT/.jars/kafka}"
compgen -G "$JARS/kafka_*.jar" >/dev/null || die "$JARS holds no broker: run make setup"

# The Java that make setup found for Spark.
find_java() {
  local settings version
  for settings in "$PROJECT"/.venv/lib/python3*/site-packages/pyspark/conf/spark-env.sh; do
    # shellcheck disable=SC1090
    [[ ! -f $settings ]] || source "$settings"
  done
  JAVA="${JAVA_HOME:+$JAVA_HOME/bin/}java"
  version="$("$JAVA" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)" || true
  case "$version" in
    17 | 21) ;;
    *) die "$JAVA is Java ${version:-that does not start}; 17 or 21 is needed:" \
           "run make setup, or set JAVA_HOME" ;;
  esac
}

# The broker itself would report a taken port among a hundred lines.
check_port() {
  [[ $1 =~ ^[0-9]+$ ]] || die "$2 $1 is not a number"
  ! (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null \
    || die "127.0.0.1 port $1 is taken already: use another $2"
}

# One node has no replicas: what Kafka keeps for itself must not ask for three. A broker that was
# killed can join again when its session has ended: 9 s by default, and nobody else waits for it.
write_settings() {
  cat >"$SETTINGS" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CONTROLLER_PORT
listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$CONTROLLER_PORT
advertised.listeners=PLAINTEXT://127.0.0.1:$PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$WORK_DIR/data
message.max.bytes=16777216
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
END
}

format_once() {
  [[ ! -f $WORK_DIR/data/meta.properties ]] || return 0
  local id
  id="$("${RUN[@]}" kafka.tools.StorageTool random-uuid 2>>"$LOG")" \
    || { printf '%s\n' "$id" >>"$LOG"; fail "no identifier was made"; }
  "${RUN[@]}" kafka.tools.StorageTool format --cluster-id "$id" --config "$SETTINGS" >>"$LOG" 2>&1 \
    || fail "$WORK_DIR/data could not be formatted"
}

start_broker() {
  local tenth
  setsid nohup "${RUN[@]}" kafka.Kafka "$SETTINGS" >>"$LOG" 2>&1 </dev/null &
  echo $! >"$PID_FILE"
  for ((tenth = 0; tenth < TIMEOUT * 10; tenth++)); do
    ! grep -q "Kafka Server started" "$LOG" || return 0
    kill -0 "$(cat "$PID_FILE")" 2>/dev/null || break
    sleep 0.1
  done
  fail "the broker did not come up within $TIMEOUT s"
}

# fail MESSAGE: nothing is left running, and the log says why.
fail() {
  grep -E 'ERROR|FATAL|Exception' "$LOG" | tail -n 5 >&2 || tail -n 5 "$LOG" >&2
  [[ ! -e $PID_FILE ]] || stop_broker >&2
  die "$1; the whole log is $LOG"
}

! is_alive || die "a broker already runs from $WORK_DIR: deploy/kafka/stop.sh --work-dir $WORK_DIR"
find_java
RUN=("$JAVA" "-Xmx$HEAP" -XX:+ExitOnOutOfMemoryError -cp "$JARS/*"
  "-Dlog4j2.configurationFile=file:$PROJECT/deploy/kafka/log4j2.properties")
check_port "$PORT" --port
check_port "$CONTROLLER_PORT" --controller-port
mkdir -p "$WORK_DIR"
write_settings
# The log of a broker that died is the one that somebody will want to read.
[[ ! -e $LOG ]] || mv "$LOG" "$LOG.before"
: >"$LOG"
format_once
start_broker
say "a broker takes messages on 127.0.0.1:$PORT; its data are in $WORK_DIR"
say "stop it with"
printf 'deploy/kafka/stop.sh --work-dir %q\n' "$WORK_DIR"
