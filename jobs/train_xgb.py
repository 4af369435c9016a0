"""Train one XGBoost model per label on the labelled stars that have features."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.training.arguments import add_training_flags, names_of, plan_of
from jobs.training.note import note_training
from jobs.training.run import Training
from models.feature_sets import read_feature_sets
from models.store import XGB
from models.taxonomy import read_taxonomy

JOB = "train_xgb"
EXAMPLES = """
examples:
  Every label with at least 50 examples:
    spark-submit jobs/train_xgb.py

  Three labels, SCoPe's split by light curve and its grid search:
    spark-submit jobs/train_xgb.py --labels rrab,ea,ew --split light-curve --search

Phenomenological labels read 35 features, ontological ones all 61. Labels are filled up the two
trees, and count as positive above 0.7. The set of models is written to
<warehouse>/models/xgb/<version> with metrics, importances and the predictions of the test part,
and its labels enter the registry as candidates: promote_models puts them into production, for
infer_fields. The same data and flags give the same version.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add_training_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(CONF / "labels.toml" if not args.taxonomy else Path(args.taxonomy))
    labels = names_of(args.labels)
    taxonomy.check(labels, where="--labels")
    sets = read_feature_sets(CONF / "features.toml", choice=args.features)
    plan = plan_of(args)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    start = time.monotonic()
    training = Training(warehouse, taxonomy, sets, plan, distributed_above=args.distributed_above)
    version, results = training.run(labels, names_of(args.surveys))
    note_training(
        warehouse, JOB, (XGB, version, results), plan=plan, arguments=argv,
        seconds=time.monotonic() - start,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
