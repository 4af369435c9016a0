"""Runs jobs with the RAPIDS plugin in explainOnly mode: ``rapids_script.py FOLDER``; no test.

The plugin then says of every plan, in Spark's log, what it would leave on the CPU. Lines of equal
signs on stderr tell which job a plan belongs to.
"""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "spark"), str(TESTS.parent)]

from light_curve_files import bulk_row, write_bulk  # noqa: E402
from synthetic_features import toy_warehouse  # noqa: E402
from test_compute_features import SURVEY  # noqa: E402

from jobs import compute_features, infer_fields, ingest_light_curves, train_xgb  # noqa: E402
from jobs.common.session import open_session  # noqa: E402
from jobs.common.spark_settings import default_variables, merge_layers  # noqa: E402

# Without a GPU there is none to be asked for. Adaptive execution shows a plan piece by piece, and
# does not know in this mode what became of the pieces before.
INSTEAD = {
    "spark.master": "local[1]",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.rapids.sql.mode": "explainOnly",
    "spark.log.level": "WARN",
}


def announce(job: str) -> None:
    sys.stderr.write(f"===== {job}\n")
    sys.stderr.flush()


def main(folder: Path) -> None:
    settings = merge_layers(["local", "rapids"], variables=default_variables()) | INSTEAD
    spark = open_session(
        "plans", [f"{k}={v}" for k, v in settings.items() if "resource.gpu" not in k]
    )
    survey = folder / "survey.toml"
    survey.write_text(SURVEY)
    field = ["--warehouse", str(folder / "field"), "--survey", str(survey)]
    curves = write_bulk(folder / "in.parquet", [bulk_row(i, rcid=i % 2) for i in range(4)])
    announce("ingest_light_curves")
    ingest_light_curves.main([*field, "--input", curves])
    announce("compute_features")
    compute_features.main(field)
    announce("train_xgb")
    toy = toy_warehouse(spark, str(folder / "toy"))
    train_xgb.main(["--warehouse", toy.root, "--resamples", "2", "--min-examples", "30"])
    announce("infer_fields")
    infer_fields.main(["--warehouse", toy.root, "--export", str(folder / "export")])
    announce("end")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
