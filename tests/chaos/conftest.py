"""The chaos suite: whatever fails, every alert is stored and published once, none is missing.

One file per kind of fault. Every fault strikes at a moment drawn from a seed, and afterwards what
is in the topic is compared with what is in the tables (``account.py``): counted, not sampled.

Two lengths: the short one runs with all other tests, the long one with ``make chaos``, which sets
LAMBDASKY_CHAOS=long. LAMBDASKY_CHAOS_SEED draws other moments and other damage,
LAMBDASKY_CHAOS_KILLS kills the driver so often instead.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

# The broker and the stream of the integration tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from alert_stream import AlertStream, promoted_networks  # noqa: E402
from feed import Feed, write_filters  # noqa: E402
from kafka_broker import KafkaBroker  # noqa: E402

from jobs.common.tables import Warehouse  # noqa: E402

LONG = os.environ.get("LAMBDASKY_CHAOS", "short") == "long"


@dataclass(frozen=True)
class Length:
    """How often each fault strikes.

    Attributes
    ----------
    kills
        SIGKILL of the stream's driver.
    others
        SIGKILL of the broker, and as often of a Python worker; other faults that need a start.
    damaged
        Corrupted packets read in this process.
    sent_damaged
        Corrupted packets that go through the whole stream.
    """

    kills: int
    others: int
    damaged: int
    sent_damaged: int


@pytest.fixture(scope="session")
def length() -> Length:
    chosen = Length(50, 10, 10_000, 3_000) if LONG else Length(3, 1, 480, 200)
    kills = os.environ.get("LAMBDASKY_CHAOS_KILLS", chosen.kills)
    return replace(chosen, kills=int(kills))


@pytest.fixture(scope="session")
def seed() -> int:
    return int(os.environ.get("LAMBDASKY_CHAOS_SEED", "6"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker of this suite's own: it will be killed."""
    # Its client tells of every attempt to reach a broker that has just been killed.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with KafkaBroker(tmp_path_factory.mktemp("chaos_kafka")) as started:
        yield started


MakeFeed = Callable[..., Feed]


@pytest.fixture
def make_feed(spark, broker, tmp_path, request, seed) -> MakeFeed:
    """A function: a topic with so many partitions, its stream, and what is sent to it."""

    def make(partitions: int = 2, *, root: Path = tmp_path, configs=None) -> Feed:
        topic = re.sub(r"\W+", "_", request.node.name).strip("_")
        # What the tests say of the time of messages must not make the broker delete them.
        broker.create_topic(topic, partitions, configs={"retention.ms": "-1", **(configs or {})})
        warehouse = Warehouse(spark, str(root / "warehouse"))
        promoted_networks(warehouse)
        write_filters(root / "filters", topic)
        return Feed(AlertStream(warehouse, broker.bootstrap, topic), broker, seed)

    return make
