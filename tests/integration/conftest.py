"""One standalone cluster and one Kafka broker for the whole test run."""

from collections.abc import Iterator

import pytest
from cluster import StandaloneCluster, free_ports, run_script
from kafka_broker import KafkaBroker


@pytest.fixture(scope="session")
def standalone_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    """Started by deploy/standalone/start.sh on free loopback ports, stopped by stop.sh."""
    work_dir = tmp_path_factory.mktemp("standalone")
    port, webui_port = free_ports(2)
    start = ["--port", str(port), "--webui-port", str(webui_port), "--workers", "2"]
    try:
        run_script("start.sh", *start, "--work-dir", str(work_dir))
        yield StandaloneCluster(f"spark://127.0.0.1:{port}", work_dir)
    finally:
        run_script("stop.sh", "--work-dir", str(work_dir))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A Kafka broker on free loopback ports; every test uses topics of its own."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as started:
        yield started
