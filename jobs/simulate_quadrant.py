"""Simulate ZTF-like quadrants: light curves in the bulk form of ZTF, and what is true of them."""

import logging
import sys
from collections.abc import Sequence

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.session import open_session
from jobs.simulation.arguments import parse_quadrants, read_settings
from jobs.simulation.tasks import remove_earlier_run, simulate, star_ranges
from udfs.simulator import QuadrantSpec, with_settings

EXAMPLES = """
examples:
  A small quadrant to play with:
    spark-submit jobs/simulate_quadrant.py --output sky --stars 2000

  Two quadrants of one field, exposed together, and one of another field:
    spark-submit jobs/simulate_quadrant.py --output sky --stars 100000 --seed 7 \\
        --quadrants 250/1/1,250/1/2,487/16/4

  Other classes or another cadence: copy conf/simulator.toml and change it:
    spark-submit jobs/simulate_quadrant.py --output sky --stars 2000 --config my_sky.toml

DIR/light_curves holds ztf_FIELD_zBAND_cCC_qQ_sim_FIRSTSTAR.parquet, much as the data releases do;
DIR/truth.parquet has one row per light curve: class, period, amplitude, labels. Equal arguments
give equal rows, whatever --stars-per-task. Files of an earlier simulation in DIR are replaced,
other files stay. --warehouse is not used: ingest_light_curves reads the result into it.
"""

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add = parser.add_argument
    add("--output", required=True, metavar="DIR", help="a path that driver and executors share")
    add("--field", type=int, default=250, help="ZTF field, 1 to 868 (default 250)")
    add("--ccd", type=int, default=1, help="CCD 1..16 (default 1)")
    add("--quad", type=int, default=1, help="quadrant 1..4 (default 1)")
    add("--quadrants", metavar="F/C/Q,...", help="several, instead of --field --ccd --quad")
    add("--stars", type=int, default=1000, help="stars per quadrant (default 1000)")
    add("--seed", type=int, default=0, help="all randomness follows from it (default 0)")
    add("--years", type=float, default=5.0, help="length of the survey (default 5)")
    add("--config", metavar="TOML", help="settings, in the form of conf/simulator.toml")
    add("--stars-per-task", type=int, default=2000, help="2000 (default) take some 300 MB")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    settings = read_settings(args.config)
    specs = [
        with_settings(
            QuadrantSpec(f, c, q, n_stars=args.stars, seed=args.seed, years=args.years), settings
        )
        for f, c, q in parse_quadrants(args.quadrants or f"{args.field}/{args.ccd}/{args.quad}")
    ]
    ranges = star_ranges(specs, args.stars_per_task)
    spark = open_session("simulate_quadrant", args.conf)
    log.info("files of an earlier run removed=%d", remove_earlier_run(args.output))
    counts = simulate(spark, ranges, args.output).collect()
    for row in counts:
        log.info("class=%s stars=%d light_curves=%d", row["class"], row.stars, row.light_curves)
    totals = [sum(row[name] for row in counts) for name in ("stars", "light_curves")]
    log.info(
        "finished quadrants=%d stars=%d light_curves=%d output=%s",
        len(specs), *totals, args.output,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
