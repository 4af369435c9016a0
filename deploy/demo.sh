#!/usr/bin/env bash
# The batch layer from end to end, each step a spark-submit: make demo [DATA=folder]
#   demo.sh WAREHOUSE [DATA]
# Without DATA two quadrants of ZTF are simulated; with it the real sets in that folder are used.
set -euo pipefail
cd "$(dirname "$0")/.."
WAREHOUSE="$1"
DATA="${2:-}"
PATH="$PWD/.venv/bin:$PATH"
SECONDS=0

step() { printf '\n[demo %dm%02ds] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$1"; }
job() {
  local name="$1"
  shift
  spark-submit "jobs/$name.py" --warehouse "$WAREHOUSE" "$@" 2> >(grep -v '^WARNING: Using incubator' >&2)
}

if [[ -z $DATA ]]; then
  SKY="$WAREHOUSE/simulated"
  step "simulate 2 quadrants of ZTF with 300 stars each (DATA=folder uses real light curves)"
  job simulate_quadrant --output "$SKY" --quadrants 487/12/3,634/5/2 --stars 300 --years 1.5
  step "ingest light curves and the labels of their stars"
  job ingest_light_curves --survey ztf --input "$SKY/light_curves"
  job ingest_labels --survey ztf --objects "$SKY/truth.parquet" --map simulated --class-column labels
  step "compute features: statistics, periods by four algorithms, Fourier series, dmdt images"
  job compute_features --survey ztf
  step "train one XGBoost model per label"
  job train_xgb --min-examples 40
  step "train one network for all labels"
  job train_dnn --networks multi --min-examples 40 --epochs 60
else
  step "ingest 5,757 variable stars of CRTS with their classes"
  job ingest_light_curves --survey crts_csdr1 --input "$DATA/crts_csdr1/lightcurves.parquet" \
    --positions "$DATA/crts_csdr1/objects.parquet"
  job ingest_labels --survey crts_csdr1 --objects "$DATA/crts_csdr1/objects.parquet"
  step "ingest 8,452 light curves of ZTF data release 5, and 50 eclipsing stars from IRSA"
  job ingest_light_curves --survey ztf --input "$DATA"/ztf_dr5_field/*.parquet
  job ingest_light_curves --survey ztf --input "$DATA/ztf_irsa_eclipsing/ztf_irsa_rows.parquet"
  step "compute features (the long part: the period search of every light curve)"
  job compute_features --survey ztf
  job compute_features --survey crts_csdr1 --commit-rows 2000
  step "train one XGBoost model per label, on CRTS"
  job train_xgb --surveys crts_csdr1 --features shape
  step "train networks: one per label and one for all, of each label the better"
  job train_dnn --surveys crts_csdr1 --features shape
fi
step "combine both: one score per label from network and trees"
job train_stack
step "put the models into production: each is checked first"
job promote_models
step "score all fields with all labels"
job infer_fields --export "$WAREHOUSE/predictions"
step "write the reports"
job report --survey ztf

# The speed layer, on real alerts: a broker, the published networks, the stream.
if [[ -d ${DATA:-/nowhere}/ztf_alerts ]]; then
  step "start a Kafka broker on 127.0.0.1"
  deploy/kafka/start.sh --work-dir "$WAREHOUSE/kafka"
  trap 'deploy/kafka/stop.sh --work-dir "$WAREHOUSE/kafka"' EXIT
  step "put the published ACAI and braai networks into production"
  job import_models --folder "$DATA/acai_oracle/models"
  job promote_models
  step "tell the stream what the scores say of each star"
  job build_known_sources
  step "replay 574 ZTF alerts onto the topic and score them"
  python jobs/replay_alerts.py --input "$DATA/ztf_alerts" --burst
  spark-submit streaming/run.py --warehouse "$WAREHOUSE" --once
  step "fold their nights into the light curves, and write the page of the stream"
  job fold_night --nights all
  job stream_status --output "$WAREHOUSE/reports/stream.html"
fi

REPORTS=("$WAREHOUSE"/reports/training_xgb-*.html)
REPORT="${REPORTS[0]}"
step "done; the reports are in $WAREHOUSE/reports. Open first: $REPORT"
if [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && command -v xdg-open >/dev/null; then
  xdg-open "$REPORT" >/dev/null 2>&1 || true
fi
