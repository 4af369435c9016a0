"""The order of work of ``ingest_alerts``: list, decode, write, account, folder by folder."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.alerts.decoded import decoded, mark_duplicates, quarantine
from jobs.common.files import list_files
from jobs.common.ledger import Done, Ledger
from jobs.common.progress import Progress
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from udfs.alert_schemas import ALERTS
from udfs.errors import ContractError
from udfs.schemas import QUARANTINE

JOB = "ingest_alerts"
SURVEY = "ztf"
_RAW = "path string, content binary"
_GLOB = re.compile(r"([\\\[\]{}*?])")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Folder:
    """A folder of packets: the unit of work, such as one night of ZTF's archive."""

    path: str
    full: tuple[str, ...]
    empty: tuple[str, ...]
    fingerprint: str

    @property
    def size(self) -> int:
        """Number of packets."""
        return len(self.full) + len(self.empty)


class AlertIngest:
    """Reads folders of packets into one warehouse."""

    def __init__(self, warehouse: Warehouse, ledger: Ledger) -> None:
        self._warehouse = warehouse
        self._ledger = ledger

    def run(self, paths: Sequence[str], *, force: bool) -> None:
        """Read all folders that are not done yet, each in one commit, and print the account."""
        folders = find_folders(self._warehouse, paths)
        finished = {} if force else self._ledger.finished()
        wanted = [f for f in folders if finished.get(f.path) != f.fingerprint]
        if len(wanted) < len(folders):
            log.info("%d of %d folders are done already", len(folders) - len(wanted), len(folders))
        progress = Progress(JOB, sum(f.size for f in wanted), of="alerts")
        total_in = total_out = 0
        for folder in wanted:
            out = self._ingest(folder, progress)
            total_in += folder.size
            total_out += out
        log.info(
            "alerts: %s in = %s out + %s quarantined",
            f"{total_in:,}", f"{total_out:,}", f"{total_in - total_out:,}",
        )  # fmt: skip

    def _ingest(self, folder: Folder, progress: Progress) -> int:
        start = time.monotonic()
        spark = self._warehouse.spark
        raw = spark.createDataFrame([(file, b"") for file in folder.empty], _RAW)
        if folder.full:
            # Spark takes every path for a pattern.
            names = [_GLOB.sub(r"\\\1", file) for file in folder.full]
            full = spark.read.format("binaryFile").load(names)
            raw = full.select("path", "content").unionAll(raw)
        alerts = decoded(raw).persist(StorageLevel.DISK_ONLY)
        with progress.watch(spark.sparkContext, folder.size):
            counts = self._write(alerts, folder)
        alerts.unpersist()
        rows = sum(counts.values())
        if rows != folder.size:
            raise ContractError(
                f"{folder.path}: {folder.size} files were listed, {rows} were read: the "
                "folder changes while it is read; run the job again"
            )
        out = counts.get(None, 0)
        for reason, count in sorted((r, n) for r, n in counts.items() if r is not None):
            log.info("quarantined: %d %s", count, reason)
        done = Done(folder.path, folder.fingerprint, rows, out, rows - out,
                    time.monotonic() - start)  # fmt: skip
        self._ledger.record([done])
        progress.add(rows)
        return out

    def _write(self, alerts: DataFrame, folder: Folder) -> dict[str | None, int]:
        """Quarantine first: whoever finds the alerts finds what is not among them."""
        good = F.col("reason").isNull()
        repeated = alerts.where(good).groupBy("candid").count().where("count > 1")
        marked = alerts if repeated.isEmpty() else mark_duplicates(alerts)
        self._warehouse.replace(
            quarantine(marked, job=JOB, unit=folder.path, survey=SURVEY),
            QUARANTINE,
            where=f"job = '{JOB}' AND survey = '{SURVEY}' AND unit = {_quoted(folder.path)}",
        )
        kept = marked.where(good).select(*ALERTS.schema.names)
        nights = sorted(row["night"] for row in kept.select("night").distinct().collect())
        if nights:
            # An alert never changes: one that is there already is left alone.
            self._warehouse.upsert(
                kept, ALERTS, key=("candid",), changed=(),
                where=f"night IN ({', '.join(map(str, nights))})", order_by=("night", "candid"),
            )  # fmt: skip
        return {row["reason"]: row["count"] for row in marked.groupBy("reason").count().collect()}


def find_folders(warehouse: Warehouse, paths: Sequence[str]) -> list[Folder]:
    """The folders below the paths that hold packets, each with its files.

    Raises
    ------
    ContractError
        If no file ending in .avro is below a path.
    """
    spark = warehouse.spark
    names = {file for path in paths for file in list_files(spark, path, suffix=".avro")}
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    listed = reader.option("pathGlobFilter", "*.avro").load(list(paths))
    rows = listed.select("path", "length", F.col("modificationTime").cast("string")).collect()
    told = {row[0]: (row[1], row[2]) for row in rows}
    release = code_version().partition("+")[0]
    folders = []
    # By folder first: a folder within another stands between its files otherwise.
    for path, each in groupby(sorted(names, key=_split), key=lambda name: _split(name)[0]):
        files = list(each)
        # Spark passes over files without a byte, but they were sent as alerts, too.
        full = tuple(name for name in files if name in told)
        empty = tuple(name for name in files if name not in told)
        state = [(name, told.get(name)) for name in files]
        folders.append(Folder(path, full, empty, fingerprint(release, state)))
    return folders


def _split(name: str) -> tuple[str, str]:
    folder, _, file = name.rpartition("/")
    return folder, file


def _quoted(text: str) -> str:
    """A string literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
