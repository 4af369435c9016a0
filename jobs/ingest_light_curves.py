"""Read light curves into the warehouse: tables light_curves, sources and quarantine."""

import sys
from collections.abc import Sequence

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import read_survey
from jobs.common.ledger import Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.ingest.run import Ingest

JOB = "ingest_light_curves"
EXAMPLES = """
examples:
  A data-release file of ZTF, then all of a folder (files done before are skipped):
    spark-submit jobs/ingest_light_curves.py --survey ztf --input ztf_000250_zg_c01_q1_dr5.parquet
    spark-submit jobs/ingest_light_curves.py --survey ztf --input s3a://dr16/lightcurves

  Another survey, one row per object and band, positions in a second file:
    spark-submit jobs/ingest_light_curves.py --survey crts_csdr1 \\
        --input crts_csdr1/lightcurves.parquet --positions crts_csdr1/objects.parquet

A survey is a file conf/survey/NAME.toml (or the path of your own): filters, columns, cuts.
Epochs and light curves that cannot be used go to the table quarantine with the reason. The job
prints rows in = rows out + rows quarantined, and can be killed and run again at any time.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument("--survey", required=True, help="name in conf/survey, or a TOML file")
    parser.add_argument(
        "--input",
        required=True,
        nargs="+",
        metavar="PATH",
        help="Parquet files, folders or globs, on any Hadoop path",
    )
    parser.add_argument("--form", help="one of the survey's forms (default: told by the columns)")
    parser.add_argument(
        "--positions", help="Parquet file with object_id, ra, dec, where the input has none"
    )
    parser.add_argument(
        "--commit-gb",
        type=float,
        default=4.0,
        help="input per commit [GB, default 4]: what a kill can cost",
    )
    parser.add_argument("--force", action="store_true", help="read files again that are done")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    survey = read_survey(args.survey)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    ledger = Ledger(warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(survey))
    ingest = Ingest(warehouse, survey, ledger, form=args.form, positions=args.positions)
    ingest.run(args.input, commit_bytes=int(args.commit_gb * 1e9), force=args.force)


if __name__ == "__main__":
    sys.exit(run_job(main))
