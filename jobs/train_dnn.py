"""Train SCoPe's neural network, one per label or one for all, on the labelled stars."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.training.arguments import names_of
from jobs.training.network_arguments import add_network_flags, dnn_plan_of
from jobs.training.network_run import NetworkTraining
from jobs.training.note import note_training
from models.feature_sets import read_feature_sets
from models.store import DNN
from models.taxonomy import read_taxonomy

JOB = "train_dnn"
EXAMPLES = """
examples:
  Every label with at least 50 examples: a network of its own and one for all labels together, and
  of each label the better one; networks side by side as Spark tasks:
    spark-submit jobs/train_dnn.py

  Only the network for all labels, over two ranks of Horovod:
    spark-submit jobs/train_dnn.py --networks multi --ranks 2

  Two labels as SCoPe trains them:
    spark-submit jobs/train_dnn.py --labels rrab,ew --networks separate --batch-size 64

A training that was interrupted goes on from its last epochs when the same command is given again.
The set of networks is registered as candidates; promote_models puts them in use.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add_network_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(CONF / "labels.toml" if not args.taxonomy else Path(args.taxonomy))
    labels = names_of(args.labels)
    taxonomy.check(labels, where="--labels")
    plan = dnn_plan_of(args)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    start = time.monotonic()
    training = NetworkTraining(
        warehouse,
        taxonomy,
        read_feature_sets(CONF / "features.toml", choice=args.features),
        plan,
        kind=args.networks,
        scaling=args.scaling,
        ranks=args.ranks,
        in_process=args.in_process,
    )
    version, results = training.run(labels, names_of(args.surveys))
    note_training(
        warehouse, JOB, (DNN, version, results), plan=plan, arguments=argv,
        seconds=time.monotonic() - start,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
