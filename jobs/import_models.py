"""Take the published networks for alerts into the registry: ACAI's five and braai."""

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jobs.alerts.published import import_set
from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.ledger import Done, Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from models.acai.published import read_published
from udfs.errors import ContractError

JOB = "import_models"
EXAMPLES = """
examples:
  The six networks, from a folder with the published HDF5 files:
    spark-submit jobs/import_models.py --folder acai/models

  braai alone:
    spark-submit jobs/import_models.py --folder braai/models --algorithms braai

Each file must have the published checksum, layers and shapes that we know, and give an example the
score that Keras gives it. The sets are registered as candidates; promote_models puts them in use.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument("--folder", required=True, help="where the files are, any Hadoop path")
    parser.add_argument("--algorithms", default="acai,braai", help="default: acai,braai")
    parser.add_argument(
        "--published",
        default=str(CONF / "alert_networks.toml"),
        help="table of files and checksums (default: conf/alert_networks.toml)",
    )
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    published = read_published(Path(args.published))
    known = sorted({network.algorithm for network in published})
    wanted = args.algorithms.split(",")
    for algorithm in wanted:
        if algorithm not in known:
            raise ContractError(f"--algorithms {algorithm}: expected some of {', '.join(known)}")
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    ledger = Ledger(warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(known))
    for algorithm in wanted:
        start = time.monotonic()
        networks = [network for network in published if network.algorithm == algorithm]
        version = import_set(warehouse, networks, folder=args.folder)
        seconds = time.monotonic() - start
        count = len(networks)
        ledger.record([Done(version, fingerprint(version), count, count, 0, seconds)])
        log.info(
            "models %s-%s: %s", algorithm, version, ", ".join(network.label for network in networks)
        )


if __name__ == "__main__":
    sys.exit(run_job(main))
