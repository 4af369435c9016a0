"""What a stream noted of its micro-batches, read without Spark."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from periodograms import say

SECOND = np.timedelta64(1, "s")


@dataclass(frozen=True)
class Batches:
    """Micro-batches in order, one entry each."""

    rows: Sequence[dict[str, Any]]

    @property
    def committed(self) -> list[datetime]:
        """When the alerts were in the table."""
        return [row["committed"] for row in self.rows]

    @property
    def n_alerts(self) -> np.ndarray:
        """New alerts."""
        return np.array([row["n_alerts"] for row in self.rows], dtype=np.int64)

    def after(self, known: int) -> "Batches":
        """Those behind the first ``known``."""
        return Batches(self.rows[known:])


def read_batches(folder: Path) -> Batches:
    """The table stream_batches of the warehouse in a folder; empty if it is not there yet."""
    try:
        table = DeltaTable(str(folder / "warehouse" / "stream_batches"))
    except TableNotFoundError:
        return Batches([])
    rows = table.to_pyarrow_table().to_pylist()
    return Batches(sorted(rows, key=lambda row: row["batch_id"]))


def latencies(folder: Path, batches: Batches, *, known: int) -> np.ndarray:
    """From arrival at the broker to the commit, of every alert behind the first batches [s].

    Each micro-batch with new alerts is one commit of scored_alerts; the first made the table.
    """
    scored = folder / "warehouse" / "scored_alerts"
    waited = []
    for version, row in enumerate((row for row in batches.rows if row["n_alerts"]), start=1):
        if row["batch_id"] < batches.rows[known]["batch_id"]:
            continue
        commit = (scored / "_delta_log" / f"{version:020d}.json").read_text().splitlines()
        files = [scored / add["path"] for line in commit if (add := json.loads(line).get("add"))]
        arrived = np.concatenate([
            pq.read_table(file, columns=["message_time"])["message_time"].to_numpy()
            for file in files
        ])  # fmt: skip
        waited.append((np.datetime64(row["committed"].replace(tzinfo=None)) - arrived) / SECOND)
    return np.concatenate(waited)


def print_table(batches: Batches, waited: np.ndarray) -> None:
    """Rate, latency, and the time of each stage per alert and per micro-batch."""
    rows = [row for row in batches.rows if row["n_alerts"]]
    n = np.array([row["n_messages"] for row in rows])
    told = ", ".join(f"p{p} {np.percentile(waited, p):.2f} s" for p in (50, 95, 99))
    say(f"latency of {len(waited):,} alerts: {told}, longest {waited.max():.2f} s")
    say(f"{len(rows)} micro-batches of {np.median(n):.0f} messages (median), {n.max()} at most")
    totals: dict[str, float] = {}
    for row in rows:
        for stage, seconds in row["seconds"]:
            totals[stage] = totals.get(stage, 0.0) + seconds
    say("| stage | s per micro-batch | ms per alert |")
    say("|---|---|---|")
    for stage, seconds in totals.items():
        say(f"| {stage} | {seconds / len(rows):.2f} | {1e3 * seconds / n.sum():.2f} |")
