"""The alert stream from end to end: ``python benchmarks/alert_stream.py DATA``.

DATA is the folder of the real data sets: packets of ZTF in ``ztf_alerts``, the published networks
in ``acai_oracle/models``. A real broker is started, and streaming/run.py as a process of its own,
on the cores that ``--cores`` names; this process sends the packets from any core, moved to one
field of one night, each copy with a candid of its own. In the field lie a million known stars.
Measured is what the stream notes in its tables: latency from a message's arrival at the broker to
the commit of its alert.

    python benchmarks/alert_stream.py DATA --rate 270 --seconds 180 --burst 10000
"""

import argparse
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro
from alert_stream_report import latencies, print_table, read_batches
from made_stars import FIELD_DEC, FIELD_DEG, FIELD_RA
from periodograms import say

from jobs.alerts.fresh import fresh
from jobs.alerts.replay import as_messages, burst, replay, steady
from jobs.common.broker import ensure_topic, open_producer
from jobs.common.kafka import KafkaSettings

PROJECT = Path(__file__).resolve().parents[1]
TOPIC = "ztf_alerts"
NIGHT_JD = 2460600.9
STARS = 1_000_000


def main() -> None:
    """Prepare, warm up, send, and print what the stream noted."""
    args = _arguments()
    packets = one_night(Path(args.data) / "ztf_alerts")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = start_broker(folder, args.port)
        try:
            prepare(folder, Path(args.data) / "acai_oracle" / "models")
            with stream(folder, args) as started:
                measure(folder, settings, packets, args, started)
        finally:
            run([PROJECT / "deploy" / "kafka" / "stop.sh", "--work-dir", folder / "kafka"])


def measure(
    folder: Path, settings: KafkaSettings, packets: list[bytes], args: Any, started: float
) -> None:
    """Send a few batches to warm up, then at a rate, then a burst."""
    steadily = int(args.rate * args.seconds)
    copies = 2 + (args.warm_up + args.burst + steadily) // len(packets)
    messages = fresh(packets, copies, seed=1)
    send(settings, islice(messages, args.warm_up), args.rate)
    wait_for(folder, args.warm_up)
    first = read_batches(folder).committed[0]
    say(f"first scored alerts {first.timestamp() - started:.1f} s after the start")
    done = args.warm_up
    for what, n, rate in (
        (f"{args.rate:g} alerts/s for {args.seconds} s", steadily, args.rate),
        (f"a burst of {args.burst:,}", args.burst, 0.0),
    ):
        if not n:
            continue
        known, began = len(read_batches(folder).committed), time.time()
        send(settings, islice(messages, n), rate)
        sent = time.time()
        done += n
        wait_for(folder, done)
        noted = read_batches(folder)
        batches = noted.after(known)
        last = max(committed.timestamp() for committed in batches.committed)
        say(f"{what}, cores {args.cores}: sent in {sent - began:.1f} s, all committed "
            f"{last - began:.1f} s after the first was sent")  # fmt: skip
        print_table(batches, latencies(folder, noted, known=known))


def one_night(folder: Path) -> list[bytes]:
    """The real packets, moved into one field of one night, as the alerts of a minute are."""
    moved = []
    for i, path in enumerate(sorted(folder.glob("packets_*/*.avro"))):
        with path.open("rb") as file:
            reader = fastavro.reader(file)
            (record,) = reader
        candidate = record["candidate"]
        shift = NIGHT_JD + i * 1e-5 - candidate["jd"]
        candidate["ra"] = FIELD_RA + FIELD_DEG * candidate["ra"] / 360
        candidate["dec"] = FIELD_DEC + FIELD_DEG * (candidate["dec"] + 90) / 180
        for part in (candidate, *(record.get("prv_candidates") or []),
                     *(record.get("fp_hists") or [])):  # fmt: skip
            part["jd"] += shift
        buffer = io.BytesIO()
        # Snappy packets would be written anew for each copy.
        fastavro.writer(buffer, reader.writer_schema, [record])
        moved.append(buffer.getvalue())
    return moved


def start_broker(folder: Path, port: int) -> KafkaSettings:
    """A broker with one topic of three partitions."""
    (folder / "kafka.toml").write_text(f'bootstrap.servers = "127.0.0.1:{port}"\n')
    run([PROJECT / "deploy" / "kafka" / "start.sh", "--port", str(port), "--controller-port",
         str(port + 1), "--work-dir", folder / "kafka"])  # fmt: skip
    settings = KafkaSettings(f"127.0.0.1:{port}", {})
    ensure_topic(settings, TOPIC, 3)
    return settings


def prepare(folder: Path, models: Path) -> None:
    """A warehouse with the published networks in production and a million known stars."""
    warehouse = ["--warehouse", folder / "warehouse"]
    run([sys.executable, PROJECT / "jobs" / "import_models.py", *warehouse, "--folder", models])
    run([sys.executable, PROJECT / "jobs" / "promote_models.py", *warehouse])
    run([sys.executable, Path(__file__).parent / "made_stars.py", folder / "warehouse", str(STARS)])


class stream:  # noqa: N801 - used like a function
    """streaming/run.py while the body runs."""

    def __init__(self, folder: Path, args: Any) -> None:
        n_cores = len(args.cores.split(","))
        self._command = [
            "taskset", "-c", args.cores, sys.executable, PROJECT / "streaming" / "run.py",
            "--warehouse", folder / "warehouse", "--kafka", folder / "kafka.toml",
            "--conf", f"spark.master=local[{n_cores}]",
            "--conf", f"spark.sql.shuffle.partitions={n_cores}",
            *(["--max-offsets", str(args.max_offsets)] if args.max_offsets else []),
            *(["--no-stamps"] if args.no_stamps else []),
        ]  # fmt: skip
        self._log = (folder / "stream.log").open("wb")

    def __enter__(self) -> float:
        started = time.time()
        self._process = subprocess.Popen(
            [str(part) for part in self._command], stdout=self._log, stderr=self._log,
            env={**os.environ, "PYTHONPATH": str(PROJECT)}, start_new_session=True,
        )  # fmt: skip
        return started

    def __exit__(self, *error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=120)
        if error[0] is not None:
            say(Path(self._log.name).read_text(errors="replace")[-3000:])


def send(settings: KafkaSettings, packets: Iterator[bytes], rate: float) -> None:
    """Send packets at a rate, or at once with rate 0."""
    producer = open_producer(settings)
    replay(as_messages(packets), producer, steady(rate) if rate else burst, topic=TOPIC)
    producer.close()


def wait_for(folder: Path, alerts: int, *, within_s: float = 900.0) -> None:
    """Until so many alerts are in the table."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if read_batches(folder).n_alerts.sum() >= alerts:
            return
        time.sleep(0.5)
    raise TimeoutError(f"fewer than {alerts} alerts after {within_s:.0f} s")


def run(command: list[Any]) -> None:
    """Run a command; its output only if it fails."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    if result.returncode:
        raise RuntimeError(result.stdout + result.stderr)


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("data", help="folder of the real data sets")
    add("--rate", type=float, default=270.0, help="alerts per second (default 270)")
    add("--seconds", type=int, default=180, help="how long (default 180)")
    add("--burst", type=int, default=0, help="then send so many at once")
    add("--warm-up", type=int, default=5_000, help="alerts before that (default 5000)")
    add("--cores", default="2,3", help="of the stream (default 2,3)")
    add("--max-offsets", type=int, help="messages of a micro-batch at most")
    add("--no-stamps", action="store_true", help="do not keep the images in a table")
    add("--port", type=int, default=9392, help="of the broker (default 9392)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
