#!/usr/bin/env bash
# The published figures: run.sh WAREHOUSE [DATA]; make bench [DATA=folder]
# With DATA, the features of the named surveys must be in the warehouse (make demo DATA=folder).
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
[[ ! -d $DATA/../oracle ]] || python benchmarks/oracle_agreement.py "$DATA/../oracle"
python benchmarks/crts_labels.py --warehouse "$WAREHOUSE" --data "$DATA"
for survey in crts_csdr1 eros1_lmc sdss_s82_rrl; do
  python benchmarks/period_recovery.py "$survey" --warehouse "$WAREHOUSE" --data "$DATA"
done
