"""Fold nights of scored alerts into the light curves: tables light_curves and sources."""

import sys
from collections.abc import Sequence

from jobs.alerts.fold import JOB, NightFold
from jobs.common.cli import job_parser, number_list, open_log, run_job
from jobs.common.config import read_survey
from jobs.common.ledger import Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint

SURVEY = "ztf_alerts"
EXAMPLES = """
examples:
  Every morning: the nights that have not been folded, or got alerts since:
    spark-submit jobs/fold_night.py --nights all

  Two nights, then the features of all their sources:
    spark-submit jobs/fold_night.py --nights 60300,60301
    spark-submit jobs/compute_features.py --survey ztf_alerts

A night is the whole days of MJD, as in scored_alerts. Each source and filter gets one light curve
of the survey ztf_alerts: the detections of its alerts and of their history, and forced photometry
above 3 sigma, merged with the epochs that are there already; none of these is ever lost. Magnitudes
are apparent (reference plus difference) for sources whose reference lies within 1.5 arcsec, else
those of the difference. Epochs without a magnitude, such as a difference that outweighs the
reference, go to quarantine. The job prints epochs in = out + duplicates + quarantined, and can be
killed and run again at any time.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument(
        "--nights", type=number_list, required=True, help="such as 60300,60301, or all"
    )
    parser.add_argument(
        "--commit-alerts", type=int, default=200_000,
        help="alerts per commit (default 200,000, and a night at least): what a kill can cost",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="fold again what is done")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    survey = read_survey(SURVEY)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    ledger = Ledger(warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(survey))
    fold = NightFold(warehouse, survey, ledger)
    fold.run(args.nights, commit_alerts=args.commit_alerts, force=args.force)


if __name__ == "__main__":
    sys.exit(run_job(main))
