"""What has been done: the ``runs`` table, from which jobs resume."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from jobs.common.version import code_version
from udfs.schemas import RUNS


@dataclass(frozen=True)
class Done:
    """One finished unit of work: a file, a quadrant, a field, a training run."""

    unit: str
    fingerprint: str
    rows_in: int
    rows_out: int
    rows_quarantined: int
    seconds: float


class Ledger:
    """The units that one job has finished, now and before.

    A unit counts as done when its latest record carries the same fingerprint: hash of its input,
    configuration and code. The record is written after the data, so that a kill in between only
    means that the unit is done again, with the same result.
    """

    def __init__(
        self, warehouse: Warehouse, job: str, *, arguments: Sequence[str], config_hash: str
    ) -> None:
        self._warehouse = warehouse
        self._job = job
        self._arguments = " ".join(arguments)
        self._config_hash = config_hash
        self._run_id = uuid.uuid4().hex

    def finished(self) -> dict[str, str]:
        """Unit -> fingerprint of its latest record."""
        if not self._warehouse.exists(RUNS):
            return {}
        latest = (
            self._warehouse.read(RUNS)
            .where(F.col("job") == self._job)
            .groupBy("unit")
            .agg(F.max_by("fingerprint", "finished").alias("fingerprint"))
        )
        return {row["unit"]: row["fingerprint"] for row in latest.collect()}

    def record(self, done: Sequence[Done]) -> None:
        """Note that these units are finished: one commit."""
        finished = datetime.now(UTC)
        rows = [
            (
                self._run_id,
                self._job,
                unit.unit,
                unit.fingerprint,
                self._arguments,
                self._config_hash,
                code_version(),
                unit.rows_in,
                unit.rows_out,
                unit.rows_quarantined,
                unit.seconds,
                finished,
            )
            for unit in done
        ]
        self._warehouse.append(self._warehouse.spark.createDataFrame(rows, RUNS.schema), RUNS)
