"""The order of work of ``compute_features``: quadrants, their baselines, features, account."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.config import Survey
from jobs.common.ledger import Done, Ledger
from jobs.common.progress import Progress
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from udfs.checks.reasons import BASELINE_TOO_LONG, TOO_FEW_EPOCHS
from udfs.errors import ContractError
from udfs.light_curve_features import FeatureSettings
from udfs.schemas import (
    ALERT_CONTEXT,
    ALLWISE,
    CATALOGUE_IDS,
    FEATURES,
    GAIA,
    LIGHT_CURVES,
    PS1,
    QUARANTINE,
)
from udfs.spark import (
    BLOCK,
    QUADRANT,
    STATUS,
    measure_baselines,
    plan_blocks,
    with_light_curve_features,
)
from udfs.usable import OK

JOB = "compute_features"
# Blocks fall into partitions by a hash: with so many, two seldom fall into the same.
_PARTITIONS_PER_BLOCK = 4
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Quadrant:
    """All light curves of one readout quadrant; they share exposures and a frequency grid."""

    field: int
    ccd: int
    quad: int
    rows: int
    content: int

    def unit(self, survey: Survey) -> str:
        """Its name in runs and quarantine."""
        return f"{survey.name}/{self.field}/{self.ccd}/{self.quad}"

    @property
    def key(self) -> int:
        """One number for field, ccd (0..16) and quad (0..4)."""
        return self.field * 1000 + self.ccd * 10 + self.quad


class FeatureRun:
    """Computes the features of one survey in one warehouse."""

    def __init__(
        self, warehouse: Warehouse, survey: Survey, ledger: Ledger, settings: FeatureSettings
    ) -> None:
        self._warehouse = warehouse
        self._survey = survey
        self._ledger = ledger
        self._settings = settings

    def run(self, fields: Sequence[int], *, commit_rows: int, force: bool) -> None:
        """All quadrants that are not done yet, some at a time, and print the account."""
        quadrants = self._quadrants(fields)
        finished = {} if force else self._ledger.finished()
        wanted = [
            q for q in quadrants if finished.get(q.unit(self._survey)) != self._fingerprint(q)
        ]
        if len(wanted) < len(quadrants):
            log.info("%s of %s quadrants are done already", len(quadrants) - len(wanted),
                     len(quadrants))  # fmt: skip
        progress = Progress(JOB, sum(q.rows for q in wanted))
        rows_in = rows_out = 0
        aside: Counter[str] = Counter()
        for group in _groups(wanted, commit_rows):
            done, reasons = self._compute(group, progress)
            rows_in += sum(d.rows_in for d in done)
            rows_out += sum(d.rows_out for d in done)
            aside += reasons
        told = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(aside.items()))
        log.info(
            "light curves: %s in = %s out + %s quarantined%s",
            f"{rows_in:,}", f"{rows_out:,}", f"{rows_in - rows_out:,}",
            f" ({told})" if told else "",
        )  # fmt: skip

    def _quadrants(self, fields: Sequence[int]) -> list[Quadrant]:
        rows = self._warehouse.read(LIGHT_CURVES).where(F.col("survey") == self._survey.name)
        if fields:
            rows = rows.where(F.col("field").isin(list(fields)))
        found = [
            Quadrant(*row)
            for row in rows.groupBy("field", "ccd", "quad")
            .agg(F.count("*"), F.bit_xor("content_hash"))
            .orderBy("field", "ccd", "quad")
            .collect()
        ]
        missing = sorted(set(fields) - {q.field for q in found})
        if missing or not found:
            raise ContractError(
                f"light_curves has no sources of survey {self._survey.name!r} in fields "
                f"{missing or 'at all'}; run ingest_light_curves for them, or check --fields"
            )
        return found

    def _fingerprint(self, quadrant: Quadrant) -> str:
        release = code_version().split("+")[0]
        columns = FEATURES.schema.names
        return fingerprint(self._settings, quadrant.rows, quadrant.content, release, columns)

    def _compute(
        self, group: Sequence[Quadrant], progress: Progress
    ) -> tuple[list[Done], Counter[str]]:
        start = time.monotonic()
        here = self._predicate(group)
        curves = self._warehouse.read(LIGHT_CURVES).where(here)
        measured = measure_baselines(curves, self._settings).persist(StorageLevel.MEMORY_AND_DISK)
        blocks = plan_blocks(measured, self._settings).persist(StorageLevel.MEMORY_AND_DISK)
        rows = sum(q.rows for q in group)
        with progress.watch(self._warehouse.spark.sparkContext, rows):
            self._put_aside(measured, group)
            chosen = curves.join(F.broadcast(blocks), on=[*QUADRANT, "source_id"], how="inner")
            features = self._finish(
                with_light_curve_features(
                    chosen, self._settings, partitions=_PARTITIONS_PER_BLOCK * _count(blocks) + 1
                )
            )
            self._warehouse.replace(features, FEATURES, where=here)
        done, reasons = self._account(group, measured, time.monotonic() - start)
        self._ledger.record(done)
        measured.unpersist()
        blocks.unpersist()
        progress.add(rows)
        return done, reasons

    def _predicate(self, group: Sequence[Quadrant]) -> str:
        """The rows of these quadrants, in SQL.

        One IN list: an OR of many terms makes Spark generate more code than Java takes in a method.
        """
        fields = ", ".join(str(field) for field in sorted({q.field for q in group}))
        keys = ", ".join(str(q.key) for q in group)
        return (
            f"survey = '{self._survey.name}' AND field IN ({fields}) "
            f"AND CAST(field AS BIGINT) * 1000 + ccd * 10 + quad IN ({keys})"
        )

    def _finish(self, computed: DataFrame) -> DataFrame:
        """Columns of the table that do not come from the light curve; no catalogue is matched."""
        context = {
            name: F.lit(None).cast(FEATURES.schema[name].dataType)
            for name in (*ALERT_CONTEXT, *ALLWISE, *GAIA, *PS1, *CATALOGUE_IDS)
        }
        settings = F.lit(fingerprint(self._settings))
        return computed.withColumns(
            {
                **context,
                "input_hash": F.xxhash64("content_hash", settings, "n_freq"),
                "code_version": F.lit(code_version()),
            }
        ).select(*FEATURES.schema.names)

    def _put_aside(self, measured: DataFrame, group: Sequence[Quadrant]) -> None:
        """Light curves that get no features; their epochs stay in ``light_curves``."""
        survey = self._survey.name
        unit = F.concat_ws("/", F.lit(survey), "field", "ccd", "quad")
        short = F.col(STATUS) == TOO_FEW_EPOCHS.name
        longest = self._settings.period_search.max_baseline_day
        values = {
            "job": F.lit(JOB),
            "unit": unit,
            "survey": F.lit(survey),
            "extent": F.lit("light_curve"),
            "reason": F.col(STATUS),
            "column": F.when(short, TOO_FEW_EPOCHS.column).otherwise(BASELINE_TOO_LONG.column),
            "value": F.when(short, F.concat("n_clean", F.lit(" clean epochs"))).otherwise(
                F.format_string("%.1f days from first to last epoch", "span_day")
            ),
            "expected": F.when(
                short, f"{self._settings.min_epochs} clean epochs or more"
            ).otherwise(f"{longest:g} days or less: no Julian dates among modified ones"),
            "n_epochs": F.col("n_clean"),
        }
        aside = measured.where(F.col(STATUS) != OK).withColumns(values)
        nulls = {
            f.name: F.lit(None).cast(f.dataType)
            for f in QUARANTINE.schema
            if f.name not in aside.columns
        }
        units = ", ".join(f"'{q.unit(self._survey)}'" for q in group)
        self._warehouse.replace(
            aside.withColumns(nulls),
            QUARANTINE,
            where=f"job = '{JOB}' AND survey = '{survey}' AND unit IN ({units})",
        )

    def _account(
        self, group: Sequence[Quadrant], measured: DataFrame, seconds: float
    ) -> tuple[list[Done], Counter[str]]:
        """Rows in from the light curves, rows out from what the table now holds; why not all."""
        aside: Counter[tuple[int, ...]] = Counter()
        reasons: Counter[str] = Counter()
        unusable = measured.where(F.col(STATUS) != OK).groupBy("field", "ccd", "quad", STATUS)
        for field, ccd, quad, reason, rows in unusable.count().collect():
            aside[field, ccd, quad] += rows
            reasons[reason] += rows
        written = {
            tuple(row[:3]): row[3]
            for row in self._warehouse.read(FEATURES)
            .where(self._predicate(group))
            .groupBy("field", "ccd", "quad")
            .count()
            .collect()
        }
        done = []
        for q in group:
            key = (q.field, q.ccd, q.quad)
            rows_out = written.get(key, 0)
            if q.rows != rows_out + aside[key]:
                raise AssertionError(
                    f"{q.unit(self._survey)}: {q.rows} light curves in, {rows_out} out, "
                    f"{aside[key]} quarantined: they do not add up"
                )
            unit, digest = q.unit(self._survey), self._fingerprint(q)
            done.append(Done(unit, digest, q.rows, rows_out, aside[key], seconds))
        return done, reasons


def _count(blocks: DataFrame) -> int:
    return blocks.select(*QUADRANT, BLOCK).distinct().count()


def _groups(quadrants: Sequence[Quadrant], commit_rows: int) -> Iterator[list[Quadrant]]:
    """Neighbouring quadrants, up to so many light curves a commit."""
    group: list[Quadrant] = []
    for quadrant in quadrants:
        if group and sum(q.rows for q in group) + quadrant.rows > commit_rows:
            yield group
            group = []
        group.append(quadrant)
    if group:
        yield group
