"""Put trained models into production, or back to those before; refuse what got worse."""

import argparse
import logging
import sys
from collections.abc import Sequence

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.registry_table import read_models
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.registry.promotion import Promotion
from jobs.training.arguments import names_of
from models.registry import Model
from models.store import ALGORITHMS
from udfs.errors import ContractError

JOB = "promote_models"
EXAMPLES = """
examples:
  The newest candidates of all labels, where they are first or not worse:
    spark-submit jobs/promote_models.py

  What is there; one older set; back to what was before:
    spark-submit jobs/promote_models.py --list
    spark-submit jobs/promote_models.py --version xgb-1a2b3c4d5e6f --labels rrab,ea
    spark-submit jobs/promote_models.py --rollback

A model must be undamaged and score a few light curves of its test part as it did in the training,
and its average precision must not be below that of the model in production, on the light curves
that both have in their test parts. A trained model replaces one without an average precision, such
as the published networks for alerts, only with --force; imported ones replace imported ones. All
labels change in one commit. --force overrules the average precision, nothing else. Without
--labels, --rollback undoes the last promotion.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    _add_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)
    _check(args)

    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    models = read_models(warehouse)
    if not models:
        raise ContractError(
            f"{warehouse.root} has no registered models: run train_xgb or train_dnn first"
        )
    algorithms, labels = names_of(args.algorithm) or ALGORITHMS, names_of(args.labels)
    chosen = [model for model in models if model.algorithm in algorithms]
    if args.list:
        _list(chosen, labels)
        return
    promotion = Promotion(warehouse, models, chosen)
    if args.rollback:
        promotion.roll_back(labels=labels, reason=args.reason)
    else:
        forced = args.reason if args.force else None
        promotion.promote(labels=labels, version=args.version, forced=forced)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--algorithm", help=f"{', '.join(ALGORITHMS)}; several joined by commas (default: all)")
    add("--labels", help="abbreviations, joined by commas (default: all)")
    add("--version", help="a set such as xgb-1a2b3c4d5e6f (default: the newest candidates)")
    add(
        "--force",
        action="store_true",
        help="promote models that are worse, or that nothing can be compared with; needs --reason",
    )
    add("--reason", help="why, for the registry")
    add("--rollback", action="store_true", help="back to the models that were there before")
    add("--list", action="store_true", help="only show the registry")


def _check(args: argparse.Namespace) -> None:
    for name in names_of(args.algorithm):
        if name not in ALGORITHMS:
            raise ContractError(f"--algorithm {name}: expected one of {', '.join(ALGORITHMS)}")
    if args.force and not args.reason:
        raise ContractError("--force needs --reason: why are these models wanted?")
    if args.rollback and (args.force or args.version):
        raise ContractError("--rollback goes with neither --force nor --version")


def _list(models: Sequence[Model], labels: Sequence[str]) -> None:
    for m in sorted(models, key=lambda m: (*m.key, m.created)):
        if not labels or m.label in labels:
            figure = "-" if m.average_precision is None else f"{m.average_precision:.3f}"
            log.info(
                "%-5s %-7s %s %-10s AP %s  %s  %s",
                m.algorithm, m.label, m.version, m.stage, figure,
                f"{m.created:%Y-%m-%d %H:%M}", m.reason,
            )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
