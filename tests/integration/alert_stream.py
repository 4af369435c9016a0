"""A stream in a warehouse of its own, started as a user starts it, and what came out of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer
from made_models import save_alert_networks

from jobs.common.model_files import model_files
from jobs.common.tables import Warehouse
from jobs.promote_models import main as promote_models
from jobs.registry.register import register
from udfs.alert_schemas import ALERTS, DEAD_LETTERS, PUBLISHED, SCORED_ALERTS, STREAM_BATCHES

PROJECT = Path(__file__).resolve().parents[2]
TOPIC = "ztf_alerts"
CONF = ("spark.master=local[2]", "spark.sql.shuffle.partitions=2", "spark.driver.memory=2g")


@dataclass(frozen=True)
class AlertStream:
    """A warehouse with models for alerts in production, and a topic."""

    warehouse: Warehouse
    bootstrap: str
    topic: str = TOPIC

    @property
    def kafka_file(self) -> str:
        """Settings of the broker."""
        path = Path(self.warehouse.root).parent / "kafka.toml"
        path.write_text(f'bootstrap.servers = "{self.bootstrap}"\n')
        return str(path)

    @property
    def arguments(self) -> list[str]:
        """What streaming/run.py is called with."""
        return ["--warehouse", self.warehouse.root, "--kafka", self.kafka_file,
                "--topic", self.topic]  # fmt: skip

    @contextmanager
    def running(self, *more: str) -> "Iterator[subprocess.Popen[bytes]]":
        """The stream as a process of its own; killed in the end if it still runs."""
        process = self._start(*more)
        try:
            yield process
        finally:
            if process.poll() is None:
                kill(process)

    def _start(self, *more: str) -> "subprocess.Popen[bytes]":
        # In a group of its own: Java and the Python workers die with it.
        log = (Path(self.warehouse.root).parent / "stream.log").open("ab")
        settings = [part for setting in CONF for part in ("--conf", setting)]
        return subprocess.Popen(
            [sys.executable, str(PROJECT / "streaming" / "run.py"), *self.arguments, *settings,
             *more],
            env={**os.environ, "PYTHONPATH": str(PROJECT)}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip

    @property
    def log(self) -> str:
        """All that the processes of :meth:`running` wrote."""
        path = Path(self.warehouse.root).parent / "stream.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def checkpoint(self) -> Path:
        """Spark's own account of what was read."""
        return Path(self.warehouse.root) / "checkpoints" / "score_alerts"

    def send(
        self, messages: Iterable[bytes], *, partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> int:  # fmt: skip
        """Send messages; all are acknowledged when this returns."""
        producer = KafkaProducer(bootstrap_servers=[self.bootstrap], acks="all", linger_ms=20)
        sent = [
            producer.send(self.topic, m, partition=partition, timestamp_ms=timestamp_ms)
            for m in messages
        ]
        producer.flush()
        for each in sent:
            each.get(timeout=60)
        producer.close()
        return len(sent)

    def candids(self) -> list[int]:
        """Of all rows of scored_alerts, sorted: an alert that is there twice is here twice."""
        return self._values(SCORED_ALERTS, "candid")

    def stamps(self) -> list[int]:
        """Candids of all rows of alerts, likewise."""
        return self._values(ALERTS, "candid")

    def published(self, name: str) -> list[int]:
        """Candids of all rows of published of one filter, likewise."""
        return self._values(PUBLISHED, "candid", where=f"filter = '{name}'")

    def letters(self) -> list[tuple[int, int]]:
        """Partition and offset of all dead letters, likewise."""
        if not self.warehouse.exists(DEAD_LETTERS):
            return []
        rows = self.warehouse.read(DEAD_LETTERS).select("partition", "offset").toArrow()
        return sorted(zip(*(column.to_pylist() for column in rows.columns), strict=True))

    def reasons(self) -> list[str]:
        """Of all dead letters, sorted."""
        return self._values(DEAD_LETTERS, "reason")

    def batches(self) -> int:
        """Micro-batches on record."""
        return len(self._values(STREAM_BATCHES, "batch_id"))

    def wait_for(self, alerts: int, letters: int = 0, *, within_s: float = 300.0) -> None:
        """Until so many rows are in the tables; AssertionError with the log's end if not."""
        deadline = time.monotonic() + within_s
        found = (-1, -1)
        while time.monotonic() < deadline:
            found = (len(self.candids()), len(self.reasons()))
            if found[0] >= alerts and found[1] >= letters:
                return
            time.sleep(1.0)
        raise AssertionError(
            f"{found} of {alerts, letters} rows after {within_s:.0f} s\n{self.log[-3000:]}"
        )

    def _values(self, table, column, where: str = "true") -> list:
        if not self.warehouse.exists(table):
            return []
        rows = self.warehouse.read(table).where(where).select(column).toArrow()
        return sorted(rows.column(column).to_pylist())


def kill(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to a process and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def promoted_networks(warehouse: Warehouse, *, seed: int = 3) -> None:
    """Networks with weights by chance, registered and promoted."""
    for algorithm, version in zip(
        ("acai", "braai"), save_alert_networks(model_files(warehouse), seed=seed), strict=True
    ):
        register(warehouse, algorithm, version, data_versions={})
    promote_models(["--warehouse", warehouse.root])


def same(found: Sequence[int], expected: Iterable[int]) -> bool:
    """Whether each expected alert was found once, and nothing else."""
    return list(found) == sorted(expected)
