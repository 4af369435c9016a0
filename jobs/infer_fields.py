"""Score every light curve of whole fields with all labels."""

import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common.cli import field_list, job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.ledger import Ledger
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.inference.run import Inference
from jobs.training.warehouse_models import model_files
from models.store import LATEST, load
from models.taxonomy import read_taxonomy
from udfs.schemas import scores_table

JOB = "infer_fields"
EXAMPLES = """
examples:
  Everything that has features and no scores by the models in use yet:
    spark-submit jobs/infer_fields.py

  Two fields, and one Parquet file per field with SCoPe's columns:
    spark-submit jobs/infer_fields.py --survey ztf --fields 250,202 --export predictions

Fields that were scored by the same models from the same features are skipped. A light curve
without a feature that a label needs gets null for it and status missing_features: rows in = rows
out.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    parser.add_argument("--survey", help="only this survey (default: all)")
    parser.add_argument(
        "--fields", type=field_list, default=[], help="such as 250,202 (default: all)"
    )
    parser.add_argument(
        "--models", default=LATEST, help="version of the trained models (default: latest)"
    )
    parser.add_argument("--export", metavar="DIR", help="write one Parquet per field below DIR")
    parser.add_argument(
        "--commit-rows",
        type=int,
        default=200_000,
        help="small fields are written together up to so many light curves (default 200,000)",
    )
    parser.add_argument("--force", action="store_true", help="score fields again that are done")
    parser.add_argument("--taxonomy", help="the table of labels (default: conf/labels.toml)")
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(Path(args.taxonomy) if args.taxonomy else CONF / "labels.toml")
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    models = load(model_files(warehouse), args.models)
    taxonomy.check(models.labels, where=f"models {models.version}")
    ledger = Ledger(
        warehouse, JOB, arguments=argv or sys.argv[1:], config_hash=fingerprint(models.version)
    )
    Inference(warehouse, models, scores_table(taxonomy.scored), ledger).run(
        survey=args.survey,
        fields=args.fields,
        export=args.export,
        commit_rows=args.commit_rows,
        force=args.force,
    )


if __name__ == "__main__":
    sys.exit(run_job(main))
