"""Progress of long work: rows, rate and time left, from inside a running Spark action."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import SparkContext

log = logging.getLogger(__name__)


class Progress:
    """Counts rows of one job over many units of work and says when it will be done."""

    def __init__(self, job: str, total: int, *, of: str = "light curves") -> None:
        self._job = job
        self._total = total
        self._of = of
        self._done = 0
        self._start = time.monotonic()

    def add(self, rows: int) -> None:
        """Count finished rows and log one line."""
        self._done += rows
        self._say(self._done)

    @contextmanager
    def watch(self, context: SparkContext, rows: int, *, every_s: float = 15.0) -> Iterator[None]:
        """While the body runs Spark actions on ``rows`` rows, log how far they are.

        Tasks of one stage are taken to be equally long: a guess good enough for a progress line.
        """
        group = f"{self._job}-{threading.get_ident()}-{time.monotonic_ns()}"
        context.setJobGroup(group, self._job)
        stop = threading.Event()

        def report() -> None:
            while not stop.wait(every_s):
                share = _share_done(context, group)
                if share > 0:
                    self._say(self._done + int(share * rows))

        reporter = threading.Thread(target=report, daemon=True)
        reporter.start()
        try:
            yield
        finally:
            stop.set()
            reporter.join()
            context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]

    def _say(self, done: int) -> None:
        seconds = time.monotonic() - self._start
        rate = done / seconds if seconds > 0 else 0.0
        left = max(self._total - done, 0) / rate if rate > 0 else float("nan")
        log.info(
            "%s: %s of %s %s, %.1f/s, %s left",
            self._job, f"{done:,}", f"{self._total:,}", self._of, rate, _clock(left),
        )  # fmt: skip


def _share_done(context: SparkContext, group: str) -> float:
    """Finished tasks over all tasks of the widest running stage of a job group."""
    tracker = context.statusTracker()
    best = (0, 0)
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        for stage in info.stageIds if info else ():
            state = tracker.getStageInfo(stage)
            if state and state.numActiveTasks and state.numTasks > best[0]:
                best = (state.numTasks, state.numCompletedTasks)
    return best[1] / best[0] if best[0] else 0.0


def _clock(seconds: float) -> str:
    if seconds != seconds:
        return "unknown time"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"
