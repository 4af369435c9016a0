"""What the chaos suite sends: alerts, the same again, and messages that are none."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from alert_stream import AlertStream
from kafka.consumer.fetcher import ConsumerRecord
from kafka_broker import KafkaBroker
from made_alerts import packet, record

from jobs.alerts.fresh import copier
from streaming.run import main as run

FIRST = 2_200_000_000_000_000_000
_BASES = 14  # two of each of seven nights


class Feed:
    """Sends messages to the topic of a stream, and knows what each of them is.

    The same seed sends the same messages in the same order.
    """

    def __init__(self, stream: AlertStream, broker: KafkaBroker, seed: int) -> None:
        self.stream = stream
        self.broker = broker
        self.rng = np.random.default_rng(seed)
        self.sent: Counter[bytes] = Counter()
        self._candid_of: dict[bytes, int | None] = {}
        self._alerts: list[bytes] = []
        self._copiers = [copier(packet(record(FIRST + i))) for i in range(_BASES)]

    @property
    def arguments(self) -> list[str]:
        """What the stream is called with beside its own: the filters of :func:`write_filters`."""
        return ["--filters", str(Path(self.stream.warehouse.root).parent / "filters")]

    def alerts(self, count: int) -> Iterator[bytes]:
        """So many new alerts."""
        for _ in range(count):
            number = len(self._alerts)
            message = self._copiers[number % _BASES](FIRST + 1000 + number)
            self._alerts.append(message)
            self._candid_of[digest(message)] = FIRST + 1000 + number
            yield message

    def mixed(self, count: int) -> list[bytes]:
        """New alerts; beside them a tenth of old ones again, and a tenth cut short."""
        messages = list(self.alerts(count))
        again = self.rng.integers(len(self._alerts), size=count // 10)
        cut = [
            messages[i][: self.rng.integers(1, len(messages[i]))]
            for i in self.rng.integers(count, size=count // 10)
        ]
        self.know((message, None) for message in cut)
        messages += cut + [self._alerts[i] for i in again]
        return [messages[i] for i in self.rng.permutation(len(messages))]

    def know(self, judged: Iterable[tuple[bytes, int | None]]) -> None:
        """Take note of messages and the candid of each; None if it is no valid alert."""
        self._candid_of |= {digest(message): candid for message, candid in judged}

    def send(
        self, messages: Sequence[bytes], *, partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> None:  # fmt: skip
        """Send; all are acknowledged when this returns."""
        self.stream.send(messages, partition=partition, timestamp_ms=timestamp_ms)
        self.sent.update(map(digest, messages))

    def candid_of(self, message: ConsumerRecord) -> int | None:
        """The alert in a message of the topic; None: it must be among the dead letters."""
        return self._candid_of[digest(message.value)]

    def run_once(self, *more: str) -> None:
        """Read what is in the topic, in this process; give up early if it cannot be read."""
        run([*self.stream.arguments, *self.arguments, "--once", "--retries", "6", *more])


def write_filters(folder: Path, topic: str) -> None:
    """Two filters whose alerts can be told from the candid."""
    folder.mkdir()
    for name, where in (("every", "candid > 0"), ("odd", "candid % 2 = 1")):
        (folder / f"{name}.toml").write_text(
            f'about = "for the chaos suite"\nwhere = "{where}"\ntopic = "{topic}_{name}"\n'
        )


def digest(message: bytes) -> bytes:
    """Stands for a message."""
    return hashlib.sha256(message).digest()
