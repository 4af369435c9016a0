"""The whole batch layer through spark-submit: on local[2], killed and repeated, on a cluster."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster import PROJECT, SPARK_SUBMIT
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from jobs.common.config import CONF
from jobs.common.tables import Warehouse
from models.taxonomy import read_taxonomy
from udfs.schemas import FEATURES, LIGHT_CURVES, QUARANTINE, RUNS, scores_table

FIELDS = (250, 251, 300, 487)
SCORES = scores_table(read_taxonomy(CONF / "labels.toml").scored)
ENVIRONMENT = {**os.environ, "PYSPARK_PYTHON": sys.executable}


def command(job: str, *arguments: str) -> list[str]:
    script = str(PROJECT / "jobs" / f"{job}.py")
    return [str(SPARK_SUBMIT), "--master", "local[2]", script, *arguments]


def submit(job: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        command(job, *arguments), cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """ZTF with a short grid and few epochs asked for, so that the tests take seconds."""
    text = (CONF / "survey" / "ztf.toml").read_text()
    text = text.replace("max_freq_per_day = 48.0", "max_freq_per_day = 6.0")
    text = text.replace("min_epochs = 50", "min_epochs = 20")
    path = tmp_path_factory.mktemp("survey") / "ztf.toml"
    path.write_text(text)
    return str(path)


@pytest.fixture(scope="module")
def batch(tmp_path_factory, survey):
    """A folder with the warehouse, and what each job printed."""
    folder = tmp_path_factory.mktemp("batch")
    root = "warehouse"  # relative to the folder that the jobs run in
    quadrants = ",".join(f"{field}/1/1" for field in FIELDS)
    sky = str(folder / "sky")
    printed = {
        job: submit(job, "--warehouse", root, *arguments, cwd=folder)
        for job, *arguments in (
            ("simulate_quadrant", "--output", sky, "--quadrants", quadrants, "--stars", "30",
             "--years", "0.8"),
            ("ingest_light_curves", "--survey", survey, "--input", f"{sky}/light_curves"),
            ("ingest_labels", "--survey", "ztf", "--objects", f"{sky}/truth.parquet", "--map",
             "simulated", "--class-column", "labels"),
            ("compute_features", "--survey", survey),
            ("train_xgb", "--min-examples", "20", "--resamples", "20", "--labels", "vnv,pnp,puls"),
            ("promote_models",),
            ("infer_fields", "--export", str(folder / "predictions")),
            ("report", "--survey", "ztf", "--fields", "250", "--top", "2"),
        )
    }  # fmt: skip
    return folder, printed


def tables_of(spark, folder):
    return Warehouse(spark, str(folder / "warehouse"))


def test_every_row_is_accounted_for(batch, spark):
    folder, printed = batch
    warehouse = tables_of(spark, folder)
    pattern = r"light curves: ([\d,]+) in = ([\d,]+) out \+ ([\d,]+) quarantined"
    ingested = re.search(pattern, printed["ingest_light_curves"]).groups()
    computed = re.search(pattern, printed["compute_features"]).groups()
    simulated = spark.read.parquet(str(folder / "sky" / "light_curves")).count()
    assert ingested == (str(simulated), str(simulated), "0")
    assert computed[0] == ingested[1]
    features = warehouse.read(FEATURES).count()
    short = warehouse.read(QUARANTINE).where("job = 'compute_features'").count()
    assert computed[1:] == (str(features), str(short))
    assert features + short == warehouse.read(LIGHT_CURVES).count()
    assert warehouse.read(SCORES).count() == features


def test_one_export_per_field_in_the_published_form(batch, spark):
    folder, _ = batch
    files = sorted((folder / "predictions").rglob("*.parquet"))
    assert [f.stem for f in files] == [f"field_{n}" for n in FIELDS]
    columns = spark.read.parquet(str(files[0])).columns
    assert columns[:2] == ["_id", "obj_id"]
    assert columns[5:12] == ["ra", "dec", "period", "field", "ccd", "quad", "filter"]
    assert columns[12:] == ["vnv_xgb", "pnp_xgb", "puls_xgb"]


def test_trained_labels_are_promoted_and_said_so_one_by_one(batch):
    _, printed = batch
    for label in ("vnv", "pnp", "puls"):
        assert re.search(rf"xgb {label} [0-9a-f]{{12}}: promoted, the first of its label",
                         printed["promote_models"])  # fmt: skip
    assert "3 of 3 labels changed, in one commit" in printed["promote_models"]


def test_the_reports_need_nothing_from_outside(batch):
    folder, _ = batch
    pages = sorted((folder / "warehouse" / "reports").glob("*.html"))
    assert len(pages) == 2
    for page in pages:
        text = page.read_text()
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
        assert text.count("<svg") + text.count("data:image/png") >= 4


def test_killed_in_the_middle_and_started_again_gives_the_same_table(batch, spark, tmp_path):
    """SIGKILL after the first field; the second start skips it and ends with the same scores."""
    folder, _ = batch
    copy = tmp_path / "warehouse"
    shutil.copytree(folder / "warehouse", copy)
    shutil.rmtree(copy / "scores")
    shutil.rmtree(copy / "runs")
    arguments = ("--warehouse", str(copy), "--commit-rows", "1")
    process = subprocess.Popen(
        command("infer_fields", *arguments), cwd=tmp_path, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    for line in process.stdout:
        if "rows in =" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    warehouse = tables_of(spark, tmp_path)
    left = warehouse.read(SCORES).select("field").distinct().count()
    assert 1 <= left < len(FIELDS)
    submit("infer_fields", *arguments, cwd=tmp_path)
    expected = tables_of(spark, folder).read(SCORES).drop("code_version")
    assertDataFrameEqual(warehouse.read(SCORES).drop("code_version"), expected)


def test_a_standalone_cluster_gives_the_same_tables(
    batch, survey, spark, tmp_path, standalone_cluster
):
    folder, _ = batch
    root = str(tmp_path / "warehouse")
    shutil.copytree(folder / "warehouse", root, ignore=shutil.ignore_patterns("features", "scores"))
    for job, arguments in (
        ("compute_features", ("--survey", survey, "--fields", "250,300", "--force")),
        ("infer_fields", ("--survey", "ztf", "--fields", "250,300", "--force")),
    ):
        done = standalone_cluster.submit(
            PROJECT / "jobs" / f"{job}.py", "--warehouse", root, *arguments
        )
        assert done.returncode == 0, done.stdout + done.stderr
    here, there = tables_of(spark, folder), tables_of(spark, tmp_path)
    for table in (FEATURES, SCORES):
        # The version differs if somebody commits while the tests run.
        expected = here.read(table).where(F.col("field").isin(250, 300)).drop("code_version")
        assert expected.count() > 0
        found = there.read(table).drop("code_version")
        assertDataFrameEqual(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("job", "arguments", "message"),
    [
        ("compute_features", ("--survey", "ztd"), "error: no survey 'ztd'"),
        ("infer_fields", ("--survey", "ztf", "--fields", "999"), "field 999 of survey ztf"),
        ("promote_models", ("--labels", "vnw"), "no such model of 'vnw'; did you mean 'vnv'"),
    ],
)
def test_an_error_is_one_line_and_a_status(batch, job, arguments, message):
    folder, _ = batch
    done = subprocess.run(
        command(job, "--warehouse", str(folder / "warehouse"), *arguments),
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "at org.apache" not in done.stdout + done.stderr


def test_runs_say_what_was_done(batch, spark):
    folder, _ = batch
    runs = tables_of(spark, folder).read(RUNS)
    jobs = {row["job"] for row in runs.select("job").distinct().collect()}
    assert jobs >= {
        "ingest_light_curves", "ingest_labels", "compute_features", "train_xgb", "infer_fields",
    }  # fmt: skip
    totals = F.col("rows_in") == F.col("rows_out") + F.col("rows_quarantined")
    assert runs.where(~totals).count() == 0


def test_time_left_is_shown(batch):
    _, printed = batch
    assert re.search(r"compute_features: \d+ of \d+ light curves, .*/s, .* left",
                     printed["compute_features"])  # fmt: skip
    assert time.strptime(printed["compute_features"].splitlines()[-1][:8], "%H:%M:%S")
