"""Sending alert packets onto a topic as a survey does: their order, keys and times."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from udfs.alerts.fields import Fields, Kind
from udfs.alerts.packets import decode_packets
from udfs.errors import ContractError

TOPIC = "ztf_alerts"
DAY_S = 86_400.0
_FIELDS = Fields.of([("objectId", Kind.TEXT), ("candidate.jd", Kind.NUMBER)])
_AT_ONCE = 64
_PROGRESS_S = 5.0
# Messages that wait for the broker; kafka-python itself would take any number into memory.
_IN_FLIGHT = 500
log = logging.getLogger(__name__)


class Message(NamedTuple):
    """An alert as it goes onto the topic."""

    key: bytes | None
    """objectId, so that the alerts of a source stay in order; None if it cannot be read."""
    value: bytes
    jd: float
    """Time of the exposure; NaN if it cannot be read."""


Pace = Callable[[Message, Message], float]
"""Seconds between the sending of a message and of the next one."""


def burst(last: Message, following: Message) -> float:
    """As fast as the broker takes them."""
    return 0.0


def steady(rate: float) -> Pace:
    """So many messages per second."""
    return lambda last, following: 1.0 / rate


def survey_timing(speed_up: float = 1.0) -> Pace:
    """The times between exposures, divided; a step back in time is no pause."""

    def gap_s(last: Message, following: Message) -> float:
        gap = (following.jd - last.jd) * DAY_S / speed_up
        # A NaN, too, is not above 0.
        return gap if gap > 0 else 0.0

    return gap_s


@dataclass(frozen=True)
class Account:
    """What was done."""

    sent: int
    """All of them are on the topic."""
    seconds: float


def replay(
    messages: Iterable[Message], producer: Any, pace: Pace, *, topic: str = TOPIC,
    told: Callable[[int], None] = lambda count: None,
) -> Account:  # fmt: skip
    """Send the messages, each when it is due, and wait until the broker has all of them.

    A message that is late is sent at once; the next ones are due as if it had not been, so that
    the rate is kept on the average.

    Parameters
    ----------
    messages
        In the order of sending; read as they are sent.
    producer : kafka.KafkaProducer
    pace
        ``burst``, ``steady(rate)`` or ``survey_timing(speed_up)``.
    topic
    told
        Called every few seconds with the number of messages sent since the last call.

    Raises
    ------
    ContractError
        If the broker did not take a message.
    """
    deliveries = _Deliveries()
    last: Message | None = None
    start = due = reported = time.monotonic()
    sent = untold = 0
    for message in messages:
        if last is None:  # reading the first one does not count as sending
            start = due = reported = time.monotonic()
        else:
            due += pace(last, message)
        _sleep_until(due)
        deliveries.make_room()
        deliveries.watch(producer.send(topic, key=message.key, value=message.value))
        last, sent, untold = message, sent + 1, untold + 1
        if time.monotonic() - reported >= _PROGRESS_S:
            told(untold)
            reported, untold = time.monotonic(), 0
        if deliveries.error:
            break
    deliveries.wait()
    if deliveries.error:
        raise ContractError(
            f"topic {topic}: the broker did not take {deliveries.failed} of the first {sent} "
            f"messages: {deliveries.error}"
        )
    if untold:
        told(untold)
    return Account(sent, time.monotonic() - start)


class _Deliveries:
    """Counts what the broker answers, and holds back while it owes too many answers."""

    def __init__(self) -> None:
        self._room = threading.Semaphore(_IN_FLIGHT)
        self.failed = 0
        self.error = ""

    def make_room(self) -> None:
        """Wait until one more message may be on its way."""
        while not self._room.acquire(timeout=_PROGRESS_S):
            log.warning("the broker has not answered for %.0f s; waiting", _PROGRESS_S)

    def watch(self, delivery: Any) -> None:
        """Hear what becomes of a message; an answer that never comes is an error in the end."""
        delivery.add_callback(self._done).add_errback(self._fail)

    def wait(self) -> None:
        """Until all answers have come."""
        for _ in range(_IN_FLIGHT):
            self.make_room()

    def _done(self, _: Any) -> None:
        self._room.release()

    def _fail(self, error: BaseException) -> None:
        self.failed += 1
        self.error = self.error or f"{type(error).__name__}: {error}"
        self._room.release()


def _sleep_until(due: float) -> None:
    wait = due - time.monotonic()
    if wait > 0:
        time.sleep(wait)


def find_packets(paths: Sequence[str]) -> list[Path]:
    """The files, and all files *.avro below the folders, in the order of their names.

    Raises
    ------
    ContractError
        If there is none at a path.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        files = [path] if path.is_file() else sorted(path.rglob("*.avro"))
        if not files:
            raise ContractError(f"{path}: no file ending in .avro is there")
        found += files
    return found


def as_messages(packets: Iterable[bytes]) -> Iterator[Message]:
    """The packets with their keys and times."""
    left = iter(packets)
    while some := list(islice(left, _AT_ONCE)):
        read = decode_packets(some, _FIELDS)
        times = read.numbers["candidate.jd"].tolist()
        for packet, name, jd in zip(some, read.texts["objectId"], times, strict=True):
            yield Message(name.encode() if name else None, packet, jd)


def by_time(files: Sequence[Path]) -> list[Path]:
    """The files in the order of their exposures, those without a time at the end."""
    times = [message.jd for message in as_messages(map(Path.read_bytes, files))]
    order = sorted(range(len(files)), key=lambda i: (times[i] != times[i], times[i]))
    return [files[i] for i in order]
