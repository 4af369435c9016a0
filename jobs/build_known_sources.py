"""Note what the batch layer knows of each star, for the alert stream to look up by position."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.ledger import Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.inference.known_sources import KnownSources
from models.taxonomy import read_taxonomy
from udfs.schemas import scores_table

JOB = "build_known_sources"
EXAMPLES = """
examples:
  All surveys whose features or scores changed since the last call:
    spark-submit jobs/build_known_sources.py

  One survey, with labels that its models are rather sure of:
    spark-submit jobs/build_known_sources.py --survey ztf --above 0.8

Run it after infer_fields. One row per star: mean position, period, amplitude, and its labels with
the best score of any model and light curve. A running stream uses the new rows with its next
micro-batch. A survey whose features and scores are as before is skipped.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    _add_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(Path(args.taxonomy) if args.taxonomy else CONF / "labels.toml")
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    ledger = Ledger(
        warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(args.above)
    )
    KnownSources(warehouse, scores_table(taxonomy.scored), taxonomy.scored, ledger).run(
        survey=args.survey, above=args.above, force=args.force
    )


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--survey", help="only this survey (default: all)")
    add("--above", type=float, default=0.5, metavar="SCORE",
        help="keep labels with this score or a higher one (default 0.5)")  # fmt: skip
    add("--force", action="store_true", help="build surveys again that have not changed")
    add("--taxonomy", help="the table of labels (default: conf/labels.toml)")


if __name__ == "__main__":
    sys.exit(run_job(main))
