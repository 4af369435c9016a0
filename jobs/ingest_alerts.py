"""Read alert packets into the warehouse: tables alerts and quarantine."""

import sys
from collections.abc import Sequence

from jobs.alerts.ingest import JOB, AlertIngest
from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.ledger import Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint

EXAMPLES = """
examples:
  A night of ZTF's alert archive, unpacked (one Avro file per alert):
    spark-submit jobs/ingest_alerts.py --input ztf_public_20240901

  Many nights, each in a folder of its own; those done before are skipped:
    spark-submit jobs/ingest_alerts.py --input s3a://archive/ztf

An alert is kept if its packet can be read, names alert, source, time and position, and brings three
whole stamps; all others go to the table quarantine with the reason. The job prints alerts in =
alerts out + alerts quarantined, and can be killed and run again at any time.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument(
        "--input", required=True, nargs="+", metavar="PATH",
        help="folders (searched below as well) or files *.avro, on any Hadoop path",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="read folders again that are done")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    ledger = Ledger(warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(JOB))
    AlertIngest(warehouse, ledger).run(args.input, force=args.force)


if __name__ == "__main__":
    sys.exit(run_job(main))
