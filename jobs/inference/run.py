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
from jobs.inference.score import with_scores
from models.scorer import MISSING_FEATURES
from models.store import ModelSet, check_columns
from udfs.errors import ContractError
from udfs.schemas import FEATURES, Table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Field:
    """A field that has features; ``digest`` changes when any of them does."""

    survey: str
    number: int
    rows: int
    modes: tuple[str, ...]
    digest: int

    @property
    def unit(self) -> str:
        """Its name in the table ``runs``."""
        return f"{self.survey} field {self.number}"


@dataclass(frozen=True)
class Inference:
    """Scoring with one set of models."""

    warehouse: Warehouse
    models: ModelSet
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
        check_columns(self.models, self.warehouse.read(FEATURES).columns, modes=[])
        chosen = self._find(survey, fields)
        for field in chosen:
            check_columns(self.models, FEATURES.schema.names, modes=field.modes)
        done = self.ledger.finished() if self.warehouse.exists(self.scores) else {}
        todo = [f for f in chosen if force or done.get(f.unit) != self._fingerprint(f)]
        if len(todo) < len(chosen):
            log.info(
                "%d of %d fields are done with models %s and skipped",
                len(chosen) - len(todo), len(chosen), self.models.version,
            )  # fmt: skip
        self._score(todo, commit_rows)
        if export:
            for field in chosen:
                self._export(field, export, again=field in todo)

    def _find(self, survey: str | None, fields: Sequence[int]) -> list[Field]:
        rows = self.warehouse.read(FEATURES)
        if survey:
            rows = rows.where(F.col("survey") == survey)
        if fields:
            rows = rows.where(F.col("field").isin(list(fields)))
        digest = F.bit_xor(F.xxhash64("source_id", "filter", "ccd", "quad", "input_hash"))
        found = [
            Field(r["survey"], r["field"], r["rows"], tuple(sorted(r["modes"])), r["digest"])
            for r in rows.groupBy("survey", "field")
            .agg(
                F.count("*").alias("rows"),
                F.collect_set("mode").alias("modes"),
                digest.alias("digest"),
            )
            .orderBy("survey", "field")
            .collect()
        ]
        absent = sorted(set(fields) - {field.number for field in found})
        of = f" of survey {survey}" if survey else ""
        if absent or not found:
            named = f"field {absent[0]}{of}" if absent else f"the features table{of}"
            raise ContractError(
                f"{named} has no sources with features; run compute_features for it, or choose "
                "others with --fields and --survey"
            )
        return found

    def _score(self, todo: Sequence[Field], commit_rows: int) -> None:
        spark = self.warehouse.spark
        threads = int(spark.conf.get("spark.task.cpus", "1") or "1")
        shared = spark.sparkContext.broadcast(self.models)
        progress = Progress("infer_fields", sum(field.rows for field in todo))
        for group in _groups(todo, commit_rows):
            start = time.monotonic()
            scores = with_scores(
                self.warehouse.read(FEATURES).where(_where(group)),
                shared,
                scores=self.scores,
                code_version=code_version(),
                threads=threads,
            )
            rows = sum(field.rows for field in group)
            with progress.watch(spark.sparkContext, rows):
                self.warehouse.replace(scores, self.scores, where=_where(group))
            self._close(group, time.monotonic() - start)
            progress.add(rows)
        shared.destroy()

    def _close(self, group: Sequence[Field], seconds: float) -> None:
        """Check that no row was lost, and note the fields as done."""
        rows = self.warehouse.read(self.scores).where(_where(group))
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
        path = export_path(folder, field.survey, field.number)
        rows = self.warehouse.read(self.scores).where(_where([field]))
        if not again and is_exported(rows, path):
            return
        write_field(
            rows,
            path,
            labels=self.models.labels,
            version=self.models.version,
            code_version=code_version(),
        )
        log.info("%s: exported to %s", field.unit, path)

    def _fingerprint(self, field: Field) -> str:
        columns = self.scores.schema.names
        return fingerprint(self.models.version, field.rows, field.digest, columns)


def _where(group: Sequence[Field]) -> str:
    """The rows of fields of one survey, in SQL."""
    survey = group[0].survey.replace("'", "\\'")
    return f"survey = '{survey}' AND field IN ({', '.join(str(f.number) for f in group)})"


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
