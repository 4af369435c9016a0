"""Write the status page of the stream: one HTML file, once or again and again."""

import logging
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.files import write_bytes
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.reports.stream_data import gather_stream
from jobs.reports.stream_page import status_html

JOB = "stream_status"
EXAMPLES = """
examples:
  The page, once:
    spark-submit jobs/stream_status.py --output status.html

  Written again every 30 s until Ctrl-C; a browser that shows it keeps up:
    spark-submit jobs/stream_status.py --output status.html --refresh 30

The page tells rates, lag, latency, stages, published alerts and dead letters of the tables that the
stream writes; it needs neither the stream nor the broker. Prometheus gets the same from
streaming/run.py --metrics-port.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add = parser.add_argument
    add("--output", help="the page (default: status.html in the warehouse)")
    add("--batches", type=int, default=1_000, help="micro-batches drawn (default 1,000)")
    add("--refresh", type=int, metavar="SECONDS", help="write it again every so many seconds")
    args = parser.parse_args(argv)
    if args.batches < 1 or (args.refresh is not None and args.refresh < 1):
        parser.error("--batches and --refresh take whole numbers from 1")
    open_log(verbose=args.verbose)

    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    path = args.output or f"{args.warehouse.rstrip('/')}/status.html"
    try:
        while True:
            _write(warehouse, path, latest=args.batches, refresh_s=args.refresh)
            if args.refresh is None:
                break
            time.sleep(args.refresh)
    except KeyboardInterrupt:
        log.info("stopped; %s stays as it is", path)


def _write(warehouse: Warehouse, path: str, *, latest: int, refresh_s: int | None) -> None:
    status = gather_stream(warehouse, latest=latest)
    content = status_html(status, now=datetime.now(UTC), refresh_s=refresh_s).encode()
    write_bytes(warehouse.spark, path, content)
    log.info("%s  %.2f MB", path, len(content) / 1e6)


if __name__ == "__main__":
    sys.exit(run_job(main))
