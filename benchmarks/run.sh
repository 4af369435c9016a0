#!/usr/bin/env bash
# The published figures: run.sh WAREHOUSE [DATA]; make bench [DATA=folder]
# The figures on labels need features; those not in the warehouse yet are computed first.
set -euo pipefail
cd "$(dirname "$0")/.."
WAREHOUSE="$1"
DATA="${2:-}"
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD"
# One thread for each kernel: ratios are of one core.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1

python benchmarks/periodograms.py
python benchmarks/ceilings.py
python benchmarks/features.py
python benchmarks/spark_overhead.py
python benchmarks/inference.py
python benchmarks/imputation.py
python benchmarks/infer_fields.py
python benchmarks/gpu.py || echo "no GPU here: its figures are left out"
if [[ -z $DATA ]]; then
  echo "the other benchmarks need real light curves: make bench DATA=folder"
  exit 0
fi
[[ ! -d $DATA/../oracle ]] || python benchmarks/oracle_agreement.py "$DATA/../oracle"
python benchmarks/period_recovery.py --data "$DATA"
python benchmarks/period_histograms.py --data "$DATA" --output "$WAREHOUSE/periods.svg"
spark-submit jobs/ingest_light_curves.py --warehouse "$WAREHOUSE" --survey crts_csdr1 \
  --input "$DATA/crts_csdr1/lightcurves.parquet" --positions "$DATA/crts_csdr1/objects.parquet"
spark-submit jobs/compute_features.py --warehouse "$WAREHOUSE" --survey crts_csdr1 \
  --commit-rows 2000
python benchmarks/label_results.py --warehouse "$WAREHOUSE" --data "$DATA" --survey crts_csdr1 \
  --out "$WAREHOUSE/label_results"
python benchmarks/network_training.py --warehouse "$WAREHOUSE" --data "$DATA" --scaling rank
python benchmarks/network_training.py --warehouse "$WAREHOUSE" --data "$DATA" --scaling rank --ranks
python benchmarks/alert_decoding.py "$DATA/ztf_alerts"
