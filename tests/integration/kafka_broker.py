"""A broker on loopback, run by the scripts of deploy/kafka."""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from cluster import free_ports
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from jobs.common.kafka import KafkaSettings

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT / "deploy" / "kafka"


class KafkaBroker:
    """A broker with its data in a folder; it can be stopped, killed and started again."""

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self._ports = free_ports(2)

    def __enter__(self) -> "KafkaBroker":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """host:port, the same after a restart."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def settings(self) -> KafkaSettings:
        """As the jobs and the stream take it."""
        return KafkaSettings(self.bootstrap, {})

    @property
    def settings_file(self) -> Path:
        """As the command lines take it."""
        path = self.work_dir / "kafka.toml"
        path.write_text(f'bootstrap.servers = "{self.bootstrap}"\n')
        return path

    @property
    def pid(self) -> int:
        """Process id of the broker's Java."""
        return int((self.work_dir / "broker.pid").read_text())

    def start(self) -> None:
        """Start the broker; it takes messages when this returns."""
        port, controller_port = map(str, self._ports)
        ports = ["--port", port, "--controller-port", controller_port]
        run_script("start.sh", *ports, "--work-dir", str(self.work_dir))

    def stop(self) -> None:
        """Stop the broker if it runs."""
        run_script("stop.sh", "--work-dir", str(self.work_dir))

    def restart(self) -> None:
        """Stop and start on the same ports and data."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        while _runs(pid):
            time.sleep(0.01)

    def create_topic(
        self, name: str, partitions: int = 1, *, configs: dict[str, str] | None = None
    ) -> None:
        """Make a topic; ``configs`` as in Kafka's documentation, e.g. retention.ms."""
        wanted = {"num_partitions": partitions, "configs": configs or {}}
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics({name: wanted}, wait_for_metadata=True)
        finally:
            admin.close()

    def read_all(self, topic: str) -> list[ConsumerRecord]:
        """All messages of a topic, partition by partition, each in the order of its offsets."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        try:
            parts = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(parts)
            ends = consumer.end_offsets(parts)
            found: list[ConsumerRecord] = []
            while any(consumer.position(part) < end for part, end in ends.items()):
                for records in consumer.poll(timeout_ms=1000).values():
                    found.extend(records)
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            consumer.close()


def _runs(pid: int) -> bool:
    """Whether a process holds files and ports: alive, or dead with threads that still end."""
    folder = Path(f"/proc/{pid}")
    try:
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        threads = len(list((folder / "task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" or threads > 1


def run_script(name: str, *arguments: str) -> str:
    """Standard output of a script of deploy/kafka; its messages, if it fails."""
    result = subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, f"{name}: {result.stdout}{result.stderr}"
    return result.stdout
