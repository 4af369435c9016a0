"""The disk of the warehouse fills at a random moment, and is freed again.

Tables and checkpoint lie on a tmpfs of 64 MB, which only root may mount.
"""

import logging
import subprocess
import threading

import pytest
from account import account_of

log = logging.getLogger("chaos")
DISK_MB = 64


@pytest.fixture
def small_disk(tmp_path):
    """tmp_path with a small disk under warehouse."""
    folder = tmp_path / "warehouse"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast(logging.Handler):
    """Fills the disk some time after a micro-batch, and empties it when the stream has failed.

    It follows the log of the stream, which runs in this process.
    """

    def __init__(self, folder, rng, times):
        super().__init__()
        self._file = folder / "ballast"
        self._rng = rng
        self._left = times
        self._failures = 0
        self._timer = None
        self.filled = 0

    def emit(self, record):
        if record.name == "streaming.run" and record.levelno == logging.WARNING:
            self._failures += 1
            log.info("failure %d with a full disk: %s", self._failures, record.getMessage()[:200])
            if self._failures == 2:
                self._file.unlink()
                self._failures, self._timer = 0, None
        elif record.name == "streaming.batch" and self._left and self._timer is None:
            self._left -= 1
            self._timer = threading.Timer(self._rng.uniform(0, 2), self._fill)
            self._timer.start()

    def _fill(self):
        """Write until nothing fits, then give back a little."""
        with self._file.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                self.filled += 1
            file.truncate(max(file.tell() - int(self._rng.integers(0, 400_000)), 0))


@pytest.fixture
def listen():
    """A function that lets a handler hear the log of the stream."""
    handlers = []

    def add(handler):
        handlers.append(handler)
        logging.getLogger("streaming").addHandler(handler)
        return handler

    yield add
    for handler in handlers:
        logging.getLogger("streaming").removeHandler(handler)


def test_a_full_disk_stops_the_stream_and_no_alert_is_lost(small_disk, make_feed, length, listen):
    feed = make_feed()
    ballast = listen(Ballast(small_disk, feed.rng, length.others))
    for _ in range(2 * length.others):
        feed.send(feed.mixed(100))
        feed.run_once("--max-offsets", "30")
    assert ballast.filled == length.others
    account = account_of(feed)
    assert account.faults == [] and account.letters > 0
