#!/usr/bin/env bash
# What the containers run. Spark on Kubernetes calls it with `driver` and the arguments of
# spark-submit, or with `executor` and everything in the environment; any other command is run as
# it stands. `--dry-run` first prints the command, one word a line.
set -euo pipefail

die() { printf '[entrypoint] error: %s\n' "$*" >&2; exit 1; }

need() {
  local name
  for name in "$@"; do
    [[ -n ${!name:-} ]] || die "$name is not set; Spark sets it in the pods that it starts"
  done
}

# JVM options arrive as SPARK_JAVA_OPT_0, SPARK_JAVA_OPT_1 and so on.
read_java_options() {
  local number=0 name
  JAVA_OPTIONS=()
  while name="SPARK_JAVA_OPT_$number" && [[ -v $name ]]; do
    JAVA_OPTIONS+=("${!name}")
    number=$((number + 1))
  done
}

# The settings folder that Spark mounts, spark.executor.extraClassPath, then Spark itself.
class_path() {
  printf '%s' "${SPARK_CONF_DIR:-$SPARK_HOME/conf}:" \
    "${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}" "$SPARK_HOME/jars/*"
}

DRY_RUN=""
if [[ ${1:-} == --dry-run ]]; then
  DRY_RUN=yes
  shift
fi

case "${1:-}" in
  driver)
    shift
    need SPARK_HOME SPARK_DRIVER_BIND_ADDRESS
    COMMAND=("$SPARK_HOME/bin/spark-submit" --deploy-mode client
      --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" "$@")
    ;;
  executor)
    need SPARK_HOME JAVA_HOME SPARK_DRIVER_URL SPARK_EXECUTOR_ID SPARK_EXECUTOR_CORES \
      SPARK_EXECUTOR_MEMORY SPARK_APPLICATION_ID SPARK_EXECUTOR_POD_IP SPARK_EXECUTOR_POD_NAME \
      SPARK_RESOURCE_PROFILE_ID
    read_java_options
    COMMAND=("$JAVA_HOME/bin/java" "${JAVA_OPTIONS[@]}"
      "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$(class_path)"
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend
      --driver-url "$SPARK_DRIVER_URL"
      --executor-id "$SPARK_EXECUTOR_ID"
      --cores "$SPARK_EXECUTOR_CORES"
      --app-id "$SPARK_APPLICATION_ID"
      --hostname "$SPARK_EXECUTOR_POD_IP"
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID"
      --podName "$SPARK_EXECUTOR_POD_NAME")
    ;;
  "") die "no command; give driver, executor, or a program such as spark-submit" ;;
  *) COMMAND=("$@") ;;
esac

if [[ -n $DRY_RUN ]]; then
  printf '%s\n' "${COMMAND[@]}"
  exit 0
fi
# Hadoop's login fails with a bare NullPointerException for a user without an entry.
getent passwd "$(id -u)" >/dev/null || die "user $(id -u) is not in /etc/passwd: run as user 185"
# tini passes signals on and collects the Python workers that are left over.
exec tini -s -- "${COMMAND[@]}"
