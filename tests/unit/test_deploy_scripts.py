"""The shell scripts of deploy/, as far as they can be judged without starting anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((PROJECT / "deploy").rglob("*.sh"))
START = PROJECT / "deploy" / "standalone" / "start.sh"
KAFKA = PROJECT / "deploy" / "kafka"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    result = subprocess.run(
        ["shellcheck", "-x", str(script.relative_to(PROJECT))],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--worker", "2"], "unknown option --worker"),
        (["--workers"], "--workers needs a value"),
    ],
)
def test_a_wrong_option_is_named_and_shown_how(arguments, message):
    result = subprocess.run([START, *arguments], capture_output=True, text=True)
    assert result.returncode == 1
    assert message in result.stderr
    assert "--memory SIZE" in result.stderr


def test_a_java_that_spark_does_not_know_is_named(tmp_path):
    # A stand-in for a Java 25 that comes first; spark-env.sh of the set-up would hide it.
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"25.0.1\" 2026-10-21' >&2\n")
    java.chmod(0o755)
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "spark-env.sh").write_text(f"export JAVA_HOME={tmp_path}\n")
    result = subprocess.run(
        [START, "--work-dir", str(tmp_path / "cluster")],
        env={"PATH": "/usr/bin:/bin", "SPARK_CONF_DIR": str(conf)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert f"{java} is Java 25; Spark 4.0 needs 17 or 21" in result.stderr
    assert not (tmp_path / "cluster").exists()


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("start.sh", ["--prot", "9092"], "unknown option --prot"),
        ("start.sh", ["--port"], "--port needs a value"),
        ("start.sh", [], "--work-dir is missing"),
        ("stop.sh", ["--port", "9092"], "unknown option --port"),
        ("stop.sh", [], "--work-dir is missing"),
    ],
)
def test_a_wrong_option_of_the_broker_is_named_and_shown_how(script, arguments, message):
    result = subprocess.run([KAFKA / script, *arguments], capture_output=True, text=True)
    assert result.returncode == 1
    assert message in result.stderr
    assert f"usage: {script} --work-dir FOLDER" in result.stderr


def test_a_broker_without_jars_says_how_to_get_them(tmp_path):
    result = subprocess.run(
        [KAFKA / "start.sh", "--work-dir", tmp_path / "kafka"],
        env={"PATH": "/usr/bin:/bin", "LAMBDASKY_KAFKA_JARS": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert f"{tmp_path} holds no broker: run make setup" in result.stderr
    assert not (tmp_path / "kafka").exists()


def test_stopping_where_nothing_runs_is_no_error(tmp_path):
    result = subprocess.run(
        [KAFKA / "stop.sh", "--work-dir", tmp_path], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert f"nothing runs from {tmp_path}" in result.stdout
