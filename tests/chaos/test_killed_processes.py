"""SIGKILL of the driver, of the broker and of Python workers, at random moments of their lives.

The first fault of a life strikes after a random part of twice the time that the stream needs to its
first micro-batch: half of the drivers die while they start, the others at work or idle.
"""

import logging
import signal
import time

from account import account_of
from processes import descendants, kill_driver, kill_worker, wait_until_gone

log = logging.getLogger("chaos")
DRIVERS = ("all", "python", "java")
SMALL = ("--max-offsets", "40")


def test_nothing_is_lost_or_doubled_by_any_kill(make_feed, length):
    feed = make_feed()
    night = Night(feed)
    drivers = [DRIVERS[i % len(DRIVERS)] for i in range(length.kills)]
    # In the first life everything else is killed: it is the one that surely works.
    faults = ["broker", "worker"] + [*feed.rng.permutation(
        drivers + ["broker", "worker"] * (length.others - 1)
    ).tolist()]  # fmt: skip
    while faults:
        faults = night.live(faults)
    night.end()
    account = account_of(feed)
    assert account.faults == [] and night.strays == []
    assert account.letters > 10 and account.alerts > 100
    log.info("kills: %s", night.killed)


class Night:
    """The lives of one stream."""

    def __init__(self, feed):
        self.feed = feed
        self.killed: dict[str, int] = {}
        self.strays: list[int] = []
        self._start_s = 0.0
        self._started = 0.0

    def live(self, faults: list[str]) -> list[str]:
        """One process, until a fault ends it; returns the faults that are left."""
        feed = self.feed
        feed.send(feed.mixed(80))
        with feed.stream.running(*SMALL, *feed.arguments) as process:
            self._started = time.monotonic()
            at_work = not self._start_s
            if at_work:
                self._measure()
            for at, fault in enumerate(faults):
                self._wait((0.5 if at_work or at else 2.0) * self._start_s)
                self._strike(fault, process)
                if fault in DRIVERS:
                    return faults[at + 1 :]
            return []

    def end(self) -> None:
        """The last life reads all that is left."""
        feed = self.feed
        records = feed.broker.read_all(feed.stream.topic)
        alerts = len({feed.candid_of(r) for r in records} - {None})
        letters = sum(feed.candid_of(r) is None for r in records)
        with feed.stream.running("--max-offsets", "1000", *feed.arguments) as process:
            feed.stream.wait_for(alerts, letters)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=120) == 0, feed.stream.log[-3000:]

    def _measure(self) -> None:
        """The time to the first micro-batch, on this machine as it is today."""
        while "new alerts" not in self.feed.stream.log:
            time.sleep(0.1)
            assert time.monotonic() < self._started + 300, self.feed.stream.log[-3000:]
        self._start_s = time.monotonic() - self._started

    def _wait(self, longest_s: float) -> None:
        """Until the fault strikes; half-way there is something new to do."""
        pause = self.feed.rng.uniform(0, longest_s)
        time.sleep(pause / 2)
        self.feed.send(self.feed.mixed(40))
        time.sleep(pause / 2)

    def _strike(self, fault: str, process) -> None:
        done = self.feed.stream.log.count("new alerts")
        log.info("SIGKILL of %s, %.1f s after the start, micro-batches so far: %d",
                 fault, time.monotonic() - self._started, done)  # fmt: skip
        if fault == "broker":
            self.feed.broker.kill()
            time.sleep(self.feed.rng.uniform(0, 5))
            self.feed.broker.start()
        elif fault == "worker":
            deadline = time.monotonic() + 60
            while not kill_worker(process) and time.monotonic() < deadline:
                time.sleep(0.1)
        else:
            below = descendants(process.pid)
            kill_driver(process, fault)
            # A process that nobody watches would go on writing to the tables.
            self.strays += wait_until_gone(below)
        self.killed[fault] = self.killed.get(fault, 0) + 1
