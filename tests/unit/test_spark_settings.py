"""The layers of conf/spark, and how they are merged."""

import re
import subprocess
import sys

import pytest

from jobs.common import spark_settings
from jobs.common.spark_settings import merge_layers
from udfs.errors import ContractError

VARIABLES = {"JARS": "/jars", "PYTHON": "/python", "PROJECT": "/project"}
OVERLAYS = ["local", "standalone", "k8s"]


@pytest.fixture
def layers(tmp_path, monkeypatch):
    """A folder of layers that the test fills."""
    monkeypatch.setattr(spark_settings, "LAYERS", tmp_path)

    def write(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name}.conf").write_text(text)

    return write


def test_later_layers_win_and_base_comes_first(layers):
    layers(
        base="spark.a 1\nspark.b 1\nspark.c 1\n", one="spark.b 2\nspark.c 2\n", two="spark.c 3\n"
    )
    assert merge_layers(["one", "two"], variables={}) == {
        "spark.a": "1",
        "spark.b": "2",
        "spark.c": "3",
    }


def test_values_keep_their_inner_spaces(layers):
    layers(base="# a comment\n\n  spark.a    -Dx=1 -Dy=2  \n")
    assert merge_layers([], variables={}) == {"spark.a": "-Dx=1 -Dy=2"}


def test_variables_are_filled_in(layers):
    layers(base="spark.a ${JARS}/*:${JARS}/more\n")
    assert merge_layers([], variables=VARIABLES) == {"spark.a": "/jars/*:/jars/more"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spark.a\n", "base.conf line 1: 'spark.a' is not 'spark.key value'"),
        ("spark.a 1\nexecutor.memory 2g\n", "base.conf line 2"),
        ("spark.a=1\n", "line 1"),
        ("spark.a ${JRAS}/*\n", r"spark.a \$\{JRAS\}/\*: unknown variable; known: JARS"),
    ],
)
def test_a_bad_line_is_named(layers, text, message):
    layers(base=text)
    with pytest.raises(ContractError, match=message):
        merge_layers([], variables=VARIABLES)


def test_an_unknown_layer_lists_the_known_ones():
    with pytest.raises(ContractError, match="'kubernetes'.*base, k8s, local, rapids, standalone"):
        merge_layers(["kubernetes"], variables=VARIABLES)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_results_do_not_depend_on_where_a_job_runs(overlay):
    # What base sets decides what a job computes; overlays only say where it runs.
    base = merge_layers([], variables=VARIABLES)
    merged = merge_layers([overlay], variables=VARIABLES)
    assert {key: merged[key] for key in base} == base


@pytest.mark.parametrize("overlay", ["standalone", "k8s"])
def test_clusters_take_their_master_from_the_command_line(overlay):
    merged = merge_layers([overlay], variables=VARIABLES)
    assert not {"spark.master", "spark.driver.memory", "spark.driver.host"} & set(merged)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_driver_and_executors_have_the_jars_and_the_python(overlay):
    merged = merge_layers([overlay], variables=VARIABLES)
    assert merged["spark.driver.extraClassPath"] == "/jars/*"
    assert merged["spark.executor.extraClassPath"] == "/jars/*"
    assert merged["spark.pyspark.python"] == "/python"


def test_python_workers_on_gpus_cannot_deadlock():
    merged = merge_layers(["k8s", "rapids"], variables=VARIABLES)
    tasks_per_gpu = 1 / float(merged["spark.task.resource.gpu.amount"])
    # One Arrow stage per task: one worker each, all of which must be able to run at once.
    assert int(merged["spark.rapids.python.concurrentPythonWorkers"]) >= tasks_per_gpu
    shares = [key for key in merged if re.search(r"memory\.gpu\.allocFraction$", key)]
    assert len(shares) == 2
    assert sum(float(merged[key]) for key in shares) < 1


def test_the_command_prints_what_spark_reads():
    printed = subprocess.run(
        [sys.executable, "-m", "jobs.common.spark_settings", "standalone"],
        cwd=spark_settings.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = dict(line.split(" ", 1) for line in printed.splitlines())
    assert lines == merge_layers(["standalone"], variables=spark_settings.default_variables())
