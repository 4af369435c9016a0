"""Train the networks for alerts, ACAI's five or braai, on labelled alerts of the warehouse."""

import sys
import time
from collections.abc import Sequence

from jobs.alerts.arguments import add_alert_flags, alert_plan_of
from jobs.alerts.training import AlertTraining
from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.training.arguments import names_of
from jobs.training.note import note_training

JOB = "train_acai"
EXAMPLES = """
examples:
  All five classifiers, side by side as Spark tasks:
    spark-submit jobs/train_acai.py --labels-file labels.csv

  One of them on raw features, as the published ones, over two ranks of Horovod:
    spark-submit jobs/train_acai.py --labels-file labels.csv --labels acai_h --mode acai-2020 \\
        --ranks 2

  braai, which reads the stamps alone:
    spark-submit jobs/train_acai.py --labels-file labels.csv --algorithm braai

The file names alerts and what they are: columns candid and label, a letter: h hosted, n nuclear,
v variable star, o orphan, b bogus. The alerts come from the table alerts. A training that was
interrupted goes on from its last epochs when the same command is given again. The set is registered
as candidates; promote_models puts them in use.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add_alert_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    plan = alert_plan_of(args)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    start = time.monotonic()
    training = AlertTraining(
        warehouse, args.labels_file, plan, args.mode, args.instead_of_drb,
        ranks=args.ranks, in_process=args.in_process,
    )  # fmt: skip
    version, results = training.run(args.algorithm, names_of(args.labels))
    note_training(
        warehouse, JOB, (args.algorithm, version, results), plan=plan, arguments=argv,
        seconds=time.monotonic() - start,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
