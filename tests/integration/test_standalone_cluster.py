"""deploy/standalone: a master and two workers, and a script that runs on both of them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cluster import SCRIPTS, StandaloneCluster, free_ports, run_script

import udfs
from jobs.common.spark_settings import default_variables, merge_layers

SCRIPT = Path(__file__).with_name("cluster_script.py")


@pytest.fixture(scope="module")
def report(
    standalone_cluster: StandaloneCluster, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the script printed."""
    table = tmp_path_factory.mktemp("table") / "curves"
    result = standalone_cluster.submit(SCRIPT, str(table))
    assert result.returncode == 0, result.stdout + result.stderr
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_rows_come_back_from_the_delta_table(report):
    # Curve n holds 0.5, 1.5 ... n + 0.5: the sum of the first n + 1 halves of odd numbers.
    assert {row["source_id"]: row["total"] for row in report["rows"]} == {
        n: (n + 1) ** 2 / 2 for n in range(40)
    }


def test_both_workers_took_part(report):
    # The working folder of a Python worker is that of its executor: work/app-.../<executor id>.
    assert {row["executor"] for row in report["rows"]} == {"0", "1"}


def test_workers_import_the_installed_package(report):
    assert {row["package"] for row in report["rows"]} == {udfs.__file__}


def test_the_layers_of_conf_spark_reach_the_job(report, standalone_cluster):
    expected = merge_layers(["standalone"], variables=default_variables())
    seen = report["settings"]
    # The same interpreter may go by the name of python or python3.
    assert Path(seen["spark.pyspark.python"]).samefile(expected.pop("spark.pyspark.python"))
    for key in ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"):
        # Spark puts its own options before ours.
        assert seen.pop(key).split()[-1] == expected.pop(key)
    assert {key: seen.get(key) for key in expected} == expected
    assert report["master"] == standalone_cluster.master_url


def test_a_failing_job_exits_non_zero(standalone_cluster, tmp_path):
    script = tmp_path / "fails.py"
    script.write_text("raise SystemExit(3)\n")
    assert standalone_cluster.submit(script).returncode == 3


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPTS / "start.sh", *arguments], capture_output=True, text=True)


def test_a_second_start_names_the_cluster_that_runs(standalone_cluster):
    result = start("--work-dir", str(standalone_cluster.work_dir))
    assert result.returncode == 1
    assert "already runs" in result.stderr
    assert str(standalone_cluster.work_dir) in result.stderr


def test_a_taken_port_is_named(standalone_cluster, tmp_path):
    port = standalone_cluster.master_url.rsplit(":", 1)[1]
    result = start("--port", port, "--work-dir", str(tmp_path))
    assert result.returncode == 1
    assert f"port {port}" in result.stderr
    assert not list(tmp_path.glob("pids/*"))


def test_workers_of_a_master_that_is_not_there_are_stopped_again(tmp_path):
    (port,) = free_ports(1)
    result = start(
        "--master", f"spark://127.0.0.1:{port}", "--timeout", "3", "--work-dir", str(tmp_path)
    )
    assert result.returncode == 1
    assert "worker-1 did not come up within 3 s" in result.stderr
    assert not list(tmp_path.glob("pids/*"))


def test_stop_leaves_a_foreign_process_alone(tmp_path):
    (tmp_path / "pids").mkdir()
    (tmp_path / "pids" / "master.pid").write_text(str(os.getpid()))
    assert "master was not running" in run_script("stop.sh", "--work-dir", str(tmp_path))
    assert "nothing runs" in run_script("stop.sh", "--work-dir", str(tmp_path))
