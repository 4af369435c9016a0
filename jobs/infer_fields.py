"""Score every light curve of whole fields with all labels."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common.cli import job_parser, number_list, open_log, run_job
from jobs.common.config import CONF
from jobs.common.ledger import Ledger
from jobs.common.production import load_named, load_production
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.inference.explain import Explanation
from jobs.inference.fields import find_fields
from jobs.inference.run import Inference
from jobs.inference.score import scoring_key
from jobs.training.arguments import names_of
from models.store import OF_LIGHT_CURVES
from models.taxonomy import read_taxonomy
from udfs.schemas import scores_table

JOB = "infer_fields"
EXAMPLES = """
examples:
  Everything that has features and no scores by the models in production yet:
    spark-submit jobs/infer_fields.py

  Two fields, and one Parquet file per field with SCoPe's columns:
    spark-submit jobs/infer_fields.py --survey ztf --fields 250,202 --export predictions

  Which features made the high scores for two labels, into the table explanations:
    spark-submit jobs/infer_fields.py --survey ztf --fields 250 --explain rrab,ew

All production models, XGBoost's, networks and stacks of both, score in one pass over the features.
Fields that were scored by the same models from the same features are skipped. A light curve without
a feature that a label needs gets null for it and status missing_features: rows in = rows out.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    _add_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    taxonomy = read_taxonomy(Path(args.taxonomy) if args.taxonomy else CONF / "labels.toml")
    explained = names_of(args.explain)
    taxonomy.check(explained, where="--explain")
    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    models = (
        load_named(warehouse, names_of(args.models), OF_LIGHT_CURVES)
        if args.models
        else load_production(warehouse, OF_LIGHT_CURVES)
    )
    for each in models:
        taxonomy.check(each.labels, where=f"models {each.name}")
    ledger = Ledger(
        warehouse,
        JOB,
        arguments=argv or sys.argv[1:],
        config_hash=fingerprint(scoring_key(models)),
    )
    Inference(warehouse, models, scores_table(taxonomy.scored), ledger).run(
        survey=args.survey,
        fields=args.fields,
        export=args.export,
        commit_rows=args.commit_rows,
        force=args.force,
    )
    if explained:
        fields = find_fields(warehouse, args.survey, args.fields)
        Explanation(warehouse, models, ledger).run(
            fields, explained, above=args.explain_above, force=args.force
        )


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--survey", help="only this survey (default: all)")
    add("--fields", type=number_list, default=[], help="such as 250,202 (default: all)")
    add("--models", metavar="SETS", help="sets of models joined by commas, such as "
        "xgb-1a2b3c4d5e6f (default: all models in production)")  # fmt: skip
    add("--export", metavar="DIR", help="write one Parquet per field below DIR")
    add("--explain", metavar="LABELS", help="also say what each feature contributed to the "
        "scores of these labels by XGBoost")  # fmt: skip
    add("--explain-above", type=float, default=0.7, metavar="SCORE",
        help="explain scores higher than this (default 0.7)")  # fmt: skip
    add("--commit-rows", type=int, default=1_000_000,
        help="light curves of small fields in one commit (default 1,000,000)")  # fmt: skip
    add("--force", action="store_true", help="score fields again that are done")
    add("--taxonomy", help="the table of labels (default: conf/labels.toml)")


if __name__ == "__main__":
    sys.exit(run_job(main))
