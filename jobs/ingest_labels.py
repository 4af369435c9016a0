"""Read a catalogue of classified stars into the table labels."""

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.ledger import Done, Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.labels.catalogue import read_catalogue
from jobs.labels.ingest import JOB, replace_labels
from models.class_map import read_class_map
from models.taxonomy import read_taxonomy

EXAMPLES = """
examples:
  The classes of the Catalina variables:
    spark-submit jobs/ingest_labels.py --survey crts_csdr1 --objects crts_csdr1/objects.parquet

  Another catalogue, with a map of your own from its classes to labels:
    spark-submit jobs/ingest_labels.py --survey ztf --objects vsx.csv --map my_vsx.toml \\
        --id-column name --class-column type

  The truth of simulated stars (a list of labels per star):
    spark-submit jobs/ingest_labels.py --survey ztf --objects truth.parquet --map simulated \\
        --class-column labels

A map says which labels a class has and which labels the catalogue decides: a star without one of
those gets an explicit 0, anything else stays unknown. Stars of a class that the map does not know
go to quarantine. Running it again replaces what the same catalogue said before.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument("--survey", required=True, help="survey whose stars are named")
    parser.add_argument("--objects", required=True, help="the catalogue: Parquet or CSV")
    parser.add_argument(
        "--map", help="name in conf/labels, or a TOML file (default: the survey's name)"
    )
    parser.add_argument("--origin", help="name of the catalogue (default: the map's)")
    parser.add_argument("--id-column", default="object_id", help="default: object_id")
    parser.add_argument("--class-column", default="class", help="default: class")
    parser.add_argument("--taxonomy", default=str(CONF / "labels.toml"), help="the table of labels")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(Path(args.taxonomy))
    name = args.map or args.survey
    path = Path(name) if name.endswith(".toml") else CONF / "labels" / f"{name}.toml"
    mapped = read_class_map(path, taxonomy)
    mapped = replace(mapped, origin=args.origin or mapped.origin)
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    start = time.monotonic()
    stars = read_catalogue(
        warehouse.spark, args.objects, id_column=args.id_column, class_column=args.class_column
    )
    account = replace_labels(
        warehouse, stars, mapped, taxonomy=taxonomy, survey=args.survey, path=args.objects
    )
    digest = fingerprint(args.objects, path.read_text(encoding="utf-8"))
    ledger = Ledger(warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=digest)
    seconds = time.monotonic() - start
    unit = f"{args.survey} {mapped.origin}"
    ledger.record([Done(unit, digest, account.stars, account.labelled, account.unknown, seconds)])


if __name__ == "__main__":
    sys.exit(run_job(main))
