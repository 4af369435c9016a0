"""Field after field: which are to do, score, write, note."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.common.ledger import Done, Ledger
from jobs.common.progress import Progress
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from jobs.inference.export import export_path, is_exported, write_field
from jobs.inference.fields import Field, find_fields, where_of
from jobs.inference.score import model_version, scoring_key, with_scores
from models.scorer import MISSING_FEATURES
from models.store import ModelSet
from models.suitable import check_columns
from udfs.errors import ContractError
from udfs.schemas import FEATURES
from udfs.table import Table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inference:
    """Scoring with all models of some sets."""

    warehouse: Warehouse
    models: Sequence[ModelSet]
    scores: Table
    ledger: Ledger

    def run(
        self,
        *,
        survey: str | None,
        fields: Sequence[int],
        export: str | None,
        commit_rows: int,
        force: bool,
    ) -> None:
        """Score the fields that are not done yet, export all of them if asked.

        Raises
        ------
        ContractError
            If a field has no sources, or the features do not suit the models.
        """
        chosen = find_fields(self.warehouse, survey, fields)
        for field in chosen:
            for models in self.models:
                check_columns(models, FEATURES.schema.names, modes=field.modes)
        done = self.ledger.finished() if self.warehouse.exists(self.scores) else {}
        todo = [f for f in chosen if force or done.get(f.unit) != self._fingerprint(f)]
        if len(todo) < len(chosen):
            log.info(
                "%d of %d fields are done with models %s and skipped",
                len(chosen) - len(todo), len(chosen), model_version(self.models),
            )  # fmt: skip
        self._score(todo, commit_rows)
        if export:
            for field in chosen:
                self._export(field, export, again=field in todo)

    def _score(self, todo: Sequence[Field], commit_rows: int) -> None:
        spark = self.warehouse.spark
        threads = int(spark.conf.get("spark.task.cpus", "1") or "1")
        shared = spark.sparkContext.broadcast(self.models)
        progress = Progress("infer_fields", sum(field.rows for field in todo))
        for group in _groups(todo, commit_rows):
            start = time.monotonic()
            scores = with_scores(
                self.warehouse.read(FEATURES).where(where_of(group)),
                shared,
                scores=self.scores,
                code_version=code_version(),
                threads=threads,
            )
            rows = sum(field.rows for field in group)
            with progress.watch(spark.sparkContext, rows):
                self.warehouse.replace(scores, self.scores, where=where_of(group))
            self._close(group, time.monotonic() - start)
            progress.add(rows)
        shared.destroy()

    def _close(self, group: Sequence[Field], seconds: float) -> None:
        """Check that no row was lost, and note the fields as done."""
        rows = self.warehouse.read(self.scores).where(where_of(group))
        gaps = F.count_if(F.col("status") == MISSING_FEATURES)
        counted = {
            row["field"]: (row["rows"], row["gaps"])
            for row in rows.groupBy("field")
            .agg(F.count("*").alias("rows"), gaps.alias("gaps"))
            .collect()
        }
        done = []
        for field in group:
            rows_out, missing = counted.get(field.number, (0, 0))
            log.info(
                "%s: %s rows in = %s rows out, %s of them with missing features",
                field.unit, f"{field.rows:,}", f"{rows_out:,}", f"{missing:,}",
            )  # fmt: skip
            if rows_out != field.rows:
                raise ContractError(
                    f"{field.unit}: {field.rows:,} rows of features, but {rows_out:,} of scores: "
                    "the features changed while they were scored; run again"
                )
            share = seconds * field.rows / sum(f.rows for f in group)
            done.append(Done(field.unit, self._fingerprint(field), field.rows, rows_out, 0, share))
        self.ledger.record(done)

    def _export(self, field: Field, folder: str, *, again: bool) -> None:
        path = export_path(folder, field.survey, field.number, models=self.models)
        rows = self.warehouse.read(self.scores).where(where_of([field]))
        if not again and is_exported(rows, path):
            return
        write_field(rows, path, models=self.models, code_version=code_version())
        log.info("%s: exported to %s", field.unit, path)

    def _fingerprint(self, field: Field) -> str:
        columns = self.scores.schema.names
        return fingerprint(scoring_key(self.models), field.rows, field.digest, columns)


def _groups(fields: Sequence[Field], commit_rows: int) -> Iterator[list[Field]]:
    """Fields of one commit: of one survey, up to so many rows, or one larger field."""
    group: list[Field] = []
    for field in fields:
        full = sum(f.rows for f in group) + field.rows > commit_rows
        if group and (full or field.survey != group[0].survey):
            yield group
            group = []
        group.append(field)
    if group:
        yield group
