"""Write HTML reports: one page per training run, and one per scored field."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common.cli import job_parser, number_list, open_log, run_job
from jobs.common.config import CONF
from jobs.common.files import write_bytes
from jobs.common.model_files import model_files
from jobs.common.production import production_sets
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.reports.comparison import compare_sets, networks_and_trees
from jobs.reports.comparison_page import comparison_page
from jobs.reports.field_data import gather_field
from jobs.reports.field_page import field_page
from jobs.reports.field_tables import scored_fields
from jobs.reports.page import Page, render
from jobs.reports.training_data import gather_training
from jobs.reports.training_page import training_page
from jobs.training.arguments import names_of
from models.store import OF_LIGHT_CURVES
from models.taxonomy import read_taxonomy
from udfs.schemas import scores_table

JOB = "report"
EXAMPLES = """
examples:
  The models in production:
    spark-submit jobs/report.py

  The same, and two fields, or all that have scores:
    spark-submit jobs/report.py --survey ztf --fields 250,202
    spark-submit jobs/report.py --survey ztf --fields all

Each page is one file that needs nothing else: it can be mailed, or opened from a disk.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    add = parser.add_argument
    add("--models", help="sets of models joined by commas, such as xgb-1a2b3c4d5e6f (default: "
        "those in production)")  # fmt: skip
    add("--survey", help="also report on fields of this survey")
    add("--fields", type=number_list, default=[], help="such as 250,202 (default: all scored)")
    add("--output", help="folder of the pages (default: reports/ in the warehouse)")
    add("--top", type=int, choices=range(101), metavar="N", default=5,
        help="highest scores listed and drawn per label, 0 to 100 (default 5)")  # fmt: skip
    add("--taxonomy", help="the table of labels (default: conf/labels.toml)")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(Path(args.taxonomy) if args.taxonomy else CONF / "labels.toml")
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    fields = []
    if args.survey is not None:
        table = scores_table(taxonomy.scored)
        fields = scored_fields(warehouse, table, survey=args.survey, wanted=args.fields or None)
    folder = (args.output or f"{args.warehouse.rstrip('/')}/reports").rstrip("/")
    files = model_files(warehouse)
    sets = list(names_of(args.models) or production_sets(warehouse, OF_LIGHT_CURVES))
    for name in sets:
        trained = gather_training(warehouse, files, taxonomy, name=name, top=args.top)
        _write(warehouse, f"{folder}/training_{name}.html", training_page(trained))
    for pair in networks_and_trees(sets):
        compared = compare_sets(files, pair, labels=taxonomy.scored)
        if compared:
            path = f"{folder}/comparison_{pair[0]}_{pair[1]}.html"
            _write(warehouse, path, comparison_page(compared, names=pair))
    for field in fields:
        data = gather_field(warehouse, taxonomy, survey=args.survey, field=field, top=args.top)
        _write(warehouse, f"{folder}/{args.survey}_field_{field}.html", field_page(data, taxonomy))


def _write(warehouse: Warehouse, path: str, page: Page) -> None:
    content = render(page).encode()
    write_bytes(warehouse.spark, path, content)
    log.info("%s  %.1f MB", path, len(content) / 1e6)


if __name__ == "__main__":
    sys.exit(run_job(main))
