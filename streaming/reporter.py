"""What the driver measures around a micro-batch: stages, rates, lag and latency."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from jobs.common.kafka import KafkaSettings
from jobs.common.version import code_version
from streaming.lag import TopicEnd, behind
from streaming.metrics import BatchReport, Latencies, latencies
from streaming.overview import Overview
from streaming.production import Production


class Clock:
    """How long each stage of a micro-batch took, and when it began and committed."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self.committed = self.started
        self.seconds: dict[str, float] = {}
        self._start = time.monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the body."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - start

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning; some stages run side by side."""
        return time.monotonic() - self._start

    def commit(self) -> None:
        """Note that the alerts are in the table."""
        self.committed = datetime.now(UTC)


@dataclass(frozen=True)
class Outcome:
    """What became of the messages of a micro-batch."""

    overview: Overview
    stored: int
    published: Mapping[str, int]
    production: Production


class Reporter:
    """Makes the report of each micro-batch of a stream."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._end = TopicEnd(settings, topic)
        self._before: tuple[float, Mapping[int, int]] | None = None

    def report(
        self, outcome: Outcome, clock: Clock, read: Mapping[int, int], *, query_id: str,
        batch_id: int,
    ) -> tuple[BatchReport, Latencies]:  # fmt: skip
        """The row for ``stream_batches``, and how long each alert waited.

        Parameters
        ----------
        read : partition -> offset behind the last message that was read
        """
        overview, production = outcome.overview, outcome.production
        n_good = int(np.count_nonzero(overview.good))
        delays = latencies(
            overview.message_ms[overview.good], int(clock.committed.timestamp() * 1000)
        )
        ends = self._end.offsets()
        refused = [f"{name}: {why}" for name, why in production.refused.items()]
        report = BatchReport(
            query_id=query_id,
            batch_id=batch_id,
            started=clock.started,
            committed=clock.committed,
            n_messages=len(overview),
            n_alerts=outcome.stored,
            n_duplicates=n_good - outcome.stored,
            n_dead_letters=len(overview) - n_good,
            n_published=dict(outcome.published),
            input_rate=self._input_rate(ends),
            processed_rate=len(overview) / max(clock.elapsed, 1e-3),
            lag_offsets=behind(ends, read) if ends else None,
            lag_s=delays.oldest,
            latency_p50_s=delays.p50,
            latency_p95_s=delays.p95,
            latency_p99_s=delays.p99,
            seconds=dict(clock.seconds),
            model_version=production.version,
            refused_models="; ".join(refused) or None,
            code_version=code_version(),
        )
        return report, delays

    def close(self) -> None:
        """Leave the broker."""
        self._end.close()

    def _input_rate(self, ends: Mapping[int, int] | None) -> float | None:
        before, now = self._before, time.monotonic()
        self._before = (now, ends) if ends else None
        if not ends or not before:
            return None
        return behind(ends, before[1]) / max(now - before[0], 1e-3)
