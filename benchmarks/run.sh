#!/usr/bin/env bash
# The published figures: run.sh WAREHOUSE [DATA]; make bench [DATA=folder]
# With DATA, features that are not in the warehouse yet are computed first: about an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
WAREHOUSE="$1"
DATA="${2:-}"
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD"

python benchmarks/periodograms.py
if [[ -z $DATA ]]; then
  echo "the other benchmarks need real light curves: make bench DATA=folder"
  exit 0
fi
SURVEYS=(crts_csdr1 eros1_lmc sdss_s82_rrl)
for survey in "${SURVEYS[@]}"; do
  positions=(--positions "$DATA/$survey/objects.parquet")
  [[ $survey != sdss_s82_rrl ]] || positions=() # none are published with these light curves
  spark-submit jobs/ingest_light_curves.py --warehouse "$WAREHOUSE" --survey "$survey" \
    --input "$DATA/$survey/lightcurves.parquet" "${positions[@]}"
  spark-submit jobs/compute_features.py --warehouse "$WAREHOUSE" --survey "$survey" \
    --commit-rows 2000
done
[[ ! -d $DATA/../oracle ]] || python benchmarks/oracle_agreement.py "$DATA/../oracle"
python benchmarks/crts_labels.py --warehouse "$WAREHOUSE" --data "$DATA"
for survey in "${SURVEYS[@]}"; do
  python benchmarks/period_recovery.py "$survey" --per-class 30 \
    --warehouse "$WAREHOUSE" --data "$DATA"
done
