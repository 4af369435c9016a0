"""A standalone cluster on loopback, run by the scripts of deploy/standalone."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyspark

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT / "deploy" / "standalone"
SPARK_SUBMIT = Path(pyspark.__path__[0]) / "bin" / "spark-submit"


@dataclass(frozen=True)
class StandaloneCluster:
    """Where the cluster is, and how to run a script on it."""

    master_url: str
    work_dir: Path

    @property
    def settings_file(self) -> Path:
        """conf/spark/base.conf and standalone.conf, merged by start.sh."""
        return self.work_dir / "spark.conf"

    def submit(
        self, script: Path, *arguments: str, conf: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a script through spark-submit, from a folder outside the project."""
        command = [str(SPARK_SUBMIT), "--master", self.master_url]
        command += ["--properties-file", str(self.settings_file)]
        # Delta keeps 50 partitions of a table's log otherwise: many seconds for tiny tables.
        for setting in (
            "spark.sql.shuffle.partitions=2",
            "spark.databricks.delta.snapshotPartitions=2",
            *conf,
        ):
            command += ["--conf", setting]
        return subprocess.run(
            [*command, str(script), *arguments],
            cwd=self.work_dir,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=300,
        )


def run_script(name: str, *arguments: str) -> str:
    """Standard output of a script of deploy/standalone; its messages, if it fails."""
    result = subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, f"{name}: {result.stdout}{result.stderr}"
    return result.stdout


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()
