"""Combine networks and trees: one score per label from both, where it is better than either."""

import sys
import time
from collections.abc import Sequence

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.training.arguments import names_of
from jobs.training.note import note_training
from jobs.training.stack import StackTraining
from models.store import STACK

JOB = "train_stack"
EXAMPLES = """
examples:
  The newest networks with the newest trees:
    spark-submit jobs/train_stack.py

  Two sets of one's choice, two labels:
    spark-submit jobs/train_stack.py --models dnn-1a2b3c4d5e6f,xgb-6f5e4d3c2b1a --labels rrab,ew

A stack is a logistic regression on the logits of a network and of trees. It is fitted to the
validation part, which neither learnt from, starting from the stack that serves all labels best, and
judged by the test part: takes seconds. Both must have been trained on the same tables, split by
star with the same seed. promote_models puts a stack into production if it is not worse than either
of its models and these are in production; infer_fields then writes {label}_stack beside
{label}_dnn and {label}_xgb.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add = parser.add_argument
    add("--models", metavar="SETS", help="a set of networks and one of trees, joined by a comma")
    add("--labels", help="abbreviations, joined by commas (default: all that both have)")
    add("--threshold", type=float, default=0.7, help="a score above it is a yes (default 0.7)")
    add("--resamples", type=int, default=1000, help="of the bootstrap (default 1000)")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    start = time.monotonic()
    training = StackTraining(warehouse, threshold=args.threshold, resamples=args.resamples)
    version, results = training.run(names_of(args.labels), names_of(args.models))
    plan = [args.models, args.threshold, args.resamples]
    note_training(
        warehouse, JOB, (STACK, version, results), plan=plan, arguments=argv,
        seconds=time.monotonic() - start,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
