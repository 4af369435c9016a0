"""Compute the features of all light curves: table features, quadrant by quadrant."""

import sys
from collections.abc import Sequence

from jobs.common.cli import job_parser, number_list, open_log, run_job
from jobs.common.config import read_survey
from jobs.common.ledger import Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.features.run import FeatureRun
from udfs.devices import BACKENDS
from udfs.modes import FIXED, MODES
from udfs.periodograms.grid import TIMES

JOB = "compute_features"
EXAMPLES = """
examples:
  Everything of ZTF that has no features yet, or whose light curves or settings changed:
    spark-submit jobs/compute_features.py --survey ztf

  Two fields, with the numbers of the published SCoPe features, bug for bug:
    spark-submit jobs/compute_features.py --survey ztf --fields 250,202 --mode scope-v0.9.5

22 statistics, periods by Lomb-Scargle, conditional entropy, AOV, their nested choice and, from all
bands of a star together, period_BEST; Fourier series at each period, and the dmdt image. Cuts,
period grid and the size of blocks of stars computed together stand in conf/survey/NAME.toml.
Light curves with too few clean epochs, or that span more than max_baseline_day, go to the table
quarantine. A quadrant that is done is skipped, so the job can be killed and run again at any time.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument("--survey", required=True, help="name in conf/survey, or a TOML file")
    parser.add_argument(
        "--fields", type=number_list, default=[], help="such as 250,202 (default: all)"
    )
    parser.add_argument("--mode", choices=MODES, default=FIXED, help=f"default: {FIXED}")
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="cpu",
        help="what computes the periodograms; cuda: a GPU in every task, see "
        "conf/spark/rapids.conf; reference: numpy, slow, for comparison (default: cpu)",
    )
    parser.add_argument(
        "--times",
        choices=TIMES,
        help="fold light curves at the times of shared exposures or each at its own "
        "(default: what [period_search] of the survey says, else auto: decided from the data; "
        "in mode scope-v0.9.5, exact)",
    )
    parser.add_argument(
        "--commit-rows",
        type=int,
        default=100_000,
        help="light curves per commit (default 100,000): what a kill can cost",
    )
    parser.add_argument("--force", action="store_true", help="compute again what is done")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    survey = read_survey(args.survey)
    settings = survey.feature_settings(args.mode, args.backend, times=args.times)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    ledger = Ledger(warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(survey))
    run = FeatureRun(warehouse, survey, ledger, settings)
    run.run(args.fields, commit_rows=args.commit_rows, force=args.force)


if __name__ == "__main__":
    sys.exit(run_job(main))
