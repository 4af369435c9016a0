#!/usr/bin/env bash
# Sets up Java, Python, the Spark jars and those of a broker, each once, and says what it does.
# Called by make; PYTHON, VENV, MAVEN_MIRROR, LAMBDASKY_JARS and so on come from there.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '[setup] %s\n' "$*"; }
die() { printf '[setup] error: %s\n' "$*" >&2; exit 1; }

java_major() { "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1; }
# Spark 4.0 knows Java 17 and 21 only; a newer one may come first on PATH.
find_java() {
  local candidate
  for candidate in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" \
                   /usr/lib/jvm/*17*/bin/java /usr/lib/jvm/*21*/bin/java; do
    [[ -n $candidate && -x $candidate ]] || continue
    case "$(java_major "$candidate")" in 17 | 21) readlink -f "$candidate"; return ;; esac
  done
}

JAVA="$(find_java)"
if [[ -z $JAVA ]]; then
  command -v apt-get >/dev/null || die "no Java 17 or 21 found: install a JRE 17, then run again"
  SUDO=""; [[ $(id -u) == 0 ]] || SUDO=sudo
  say "installing openjdk-17-jre-headless (no Java 17 or 21 found)"
  $SUDO apt-get update -qq
  $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq openjdk-17-jre-headless >/dev/null
  JAVA="$(find_java)"
  [[ -n $JAVA ]] || die "openjdk-17-jre-headless is installed, but no Java 17 starts"
fi
JAVA_HOME="$(dirname "$(dirname "$JAVA")")"

if [[ ! -x $VENV/bin/python ]]; then
  PYTHON="$(command -v "$PYTHON" || command -v python3)"
  "$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
    || die "$PYTHON is $("$PYTHON" -V): Python 3.11 or 3.12 is needed (make PYTHON=...)"
  say "creating $VENV with $("$PYTHON" -V)"
  if ! "$PYTHON" -m venv "$VENV" 2>/dev/null; then
    rm -rf "$VENV"
    command -v apt-get >/dev/null || die "python3-venv is missing: install it, then run again"
    SUDO=""; [[ $(id -u) == 0 ]] || SUDO=sudo
    say "installing python3-venv"
    $SUDO apt-get update -qq
    $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    "$PYTHON" -m venv "$VENV"
  fi
fi

# Horovod is a C++ library against one TensorFlow; there are no wheels of it.
build_horovod() {
  local missing=()
  command -v g++ >/dev/null || missing+=(g++)
  command -v cmake >/dev/null || missing+=(cmake)
  command -v make >/dev/null || missing+=(make)
  if ((${#missing[@]})); then
    command -v apt-get >/dev/null || die "Horovod is built from source: install ${missing[*]}"
    local sudo=""; [[ $(id -u) == 0 ]] || sudo=sudo
    say "installing ${missing[*]} to build Horovod"
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  fi
  say "building Horovod (two to four minutes the first time)"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt setuptools wheel
  # cmake 4 refuses Horovod's minimum version otherwise.
  HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_PYTORCH=1 \
    HOROVOD_WITHOUT_MXNET=1 HOROVOD_WITHOUT_MPI=1 CMAKE_POLICY_VERSION_MINIMUM=3.5 \
    MAKEFLAGS="-j$(nproc)" "$VENV/bin/pip" install --quiet --disable-pip-version-check \
    --no-build-isolation -c constraints.txt horovod==0.28.1 >"$VENV/horovod.log" 2>&1 \
    || { tail -30 "$VENV/horovod.log" >&2; die "Horovod could not be built; see $VENV/horovod.log"; }
}

STAMP="$VENV/.installed"
WANTED="$(cat pyproject.toml constraints.txt | sha256sum)"
if [[ "$(cat "$STAMP" 2>/dev/null)" != "$WANTED" ]]; then
  say "installing the pinned Python packages (some minutes the first time)"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e '.[cpu,dnn,dev]'
  build_horovod
  "$VENV/bin/pip" check >/dev/null || die "the packages do not fit together: pip check"
  echo "$WANTED" >"$STAMP"
fi

SPARK_HOME="$("$VENV/bin/python" -c 'import pyspark; print(pyspark.__path__[0])')"
# resolve_jars CONF FOLDER LAST: the jars of one configuration of conf/ivy/ivy.xml, into a folder.
# LAST is the jar that the set-up looks for: it is moved after all others.
resolve_jars() {
  local mirror=()
  [[ -z ${MAVEN_MIRROR:-} ]] || mirror=("-Dlambdasky.resolver=mirror" "-Dmaven.mirror=$MAVEN_MIRROR")
  mkdir -p "$2"
  # Retrieved beside, then moved, so that a killed set-up leaves no half jar.
  rm -rf .jars/incoming
  "$JAVA" "${mirror[@]}" -jar "$SPARK_HOME"/jars/ivy-*.jar -settings conf/ivy/ivysettings.xml \
    -ivy conf/ivy/ivy.xml -confs "$1" -cache .jars/cache -warn \
    -retrieve '.jars/incoming/[artifact]-[revision](-[classifier]).[ext]' >.jars/ivy.log 2>&1 \
    || { cat .jars/ivy.log >&2; die "Ivy could not resolve the jars: MAVEN_MIRROR=url names a mirror"; }
  find .jars/incoming -name '*.jar' ! -name "$3" -exec mv {} "$2/" \;
  find .jars/incoming -name "$3" -exec mv {} "$2/" \;
}
if ! compgen -G "$LAMBDASKY_JARS/delta-spark_*.jar" >/dev/null; then
  [[ $LAMBDASKY_JARS == "$PWD/.jars/spark" ]] \
    || die "$LAMBDASKY_JARS holds no delta-spark jar; conf/ivy/ivy.xml lists what it must hold"
  say "resolving the Spark jars of conf/ivy/ivy.xml (about a minute the first time)"
  resolve_jars spark .jars/spark 'delta-spark_*.jar'
fi
if [[ -n ${S3:-} ]] && ! compgen -G "$LAMBDASKY_JARS/hadoop-aws-*.jar" >/dev/null; then
  say "resolving the jars for s3a:// paths (550 MB)"
  resolve_jars s3 .jars/spark 'hadoop-aws-*.jar'
fi
if [[ -n ${RAPIDS:-} ]] && ! compgen -G "$LAMBDASKY_JARS/rapids-4-spark_*.jar" >/dev/null; then
  say "resolving the RAPIDS Accelerator (1 GB)"
  resolve_jars rapids .jars/spark 'rapids-4-spark_*.jar'
fi
if ! compgen -G "$LAMBDASKY_KAFKA_JARS/kafka_*.jar" >/dev/null; then
  [[ $LAMBDASKY_KAFKA_JARS == "$PWD/.jars/kafka" ]] \
    || die "$LAMBDASKY_KAFKA_JARS holds no kafka jar; conf kafka of conf/ivy/ivy.xml lists what" \
           "it must hold"
  say "resolving the jars of a Kafka broker (43 MB)"
  resolve_jars kafka .jars/kafka 'kafka_*.jar'
fi

mkdir -p "$SPARK_HOME/conf"
cp conf/spark/log4j2.properties "$SPARK_HOME/conf/"
"$VENV/bin/python" -m jobs.common.spark_settings local >"$SPARK_HOME/conf/spark-defaults.conf"
# spark-submit of this environment must find this Java, whatever comes first on PATH.
printf 'export JAVA_HOME=%q\nexport PYSPARK_PYTHON=%q\n' "$JAVA_HOME" "$PWD/$VENV/bin/python" \
  >"$SPARK_HOME/conf/spark-env.sh"
