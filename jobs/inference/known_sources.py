"""What the batch layer knows of each star, as the stream looks it up by position."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.common.ledger import Done, Ledger
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from udfs.alert_schemas import KNOWN_SOURCES
from udfs.errors import ContractError
from udfs.positions import FOLDER_ORDER, HEALPIX_ORDER, healpix_nested
from udfs.schemas import BEST, FEATURES, NESTED, SCORE_KINDS
from udfs.table import Table

_PERIODS = (f"period_{BEST}", f"period_{NESTED}")
_STAR = (
    "object_id string, ra double, dec double, period_day double, amp float, "
    "pixel int, healpix bigint"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownSources:
    """Building the table, survey by survey."""

    warehouse: Warehouse
    scores: Table
    labels: Sequence[str]
    ledger: Ledger

    def run(self, *, survey: str | None, above: float, force: bool) -> None:
        """Replace the stars of each survey whose features or scores changed.

        Raises
        ------
        ContractError
            If there are no features or scores yet, or the survey has none.
        """
        digests = self._digests()
        if survey and survey not in digests:
            raise ContractError(
                f"survey {survey!r} has no features; there are: {', '.join(sorted(digests))}"
            )
        done = self.ledger.finished() if self.warehouse.exists(KNOWN_SOURCES) else {}
        for name in [survey] if survey else sorted(digests):
            digest = fingerprint(digests[name], above, KNOWN_SOURCES.schema.names)
            if not force and done.get(name) == digest:
                log.info("%s: known sources are up to date", name)
                continue
            self._build(name, above, digest)

    def _build(self, survey: str, above: float, digest: str) -> None:
        start = time.monotonic()
        where = "survey = '{}'".format(survey.replace("'", "\\'"))
        curves = self.warehouse.read(FEATURES).where(where)
        counted = curves.select(
            F.count_distinct("object_id"),
            F.count_distinct(F.when(_has_position(), F.col("object_id"))),
        ).collect()[0]
        stars, placed = int(counted[0]), int(counted[1])
        scores = self.warehouse.read(self.scores).where(where)
        known = known_sources(curves, scores, survey=survey, labels=self.labels, above=above)
        # Neighbours on the sky share a file, so that the lookup of one exposure opens few.
        in_order = known.repartitionByRange("healpix").sortWithinPartitions("pixel", "healpix")
        self.warehouse.replace(in_order, KNOWN_SOURCES, where=where)
        written = self.warehouse.read(KNOWN_SOURCES).where(where).count()
        log.info(
            "%s: %s stars in = %s out + %s without position",
            survey, f"{stars:,}", f"{written:,}", f"{stars - placed:,}",
        )  # fmt: skip
        if written != placed:
            raise ContractError(
                f"{survey}: {placed:,} stars with a position, but {written:,} in known_sources: "
                "the features changed meanwhile; run again"
            )
        seconds = time.monotonic() - start
        self.ledger.record([Done(survey, digest, stars, written, stars - placed, seconds)])

    def _digests(self) -> dict[str, tuple[int, ...]]:
        """Survey -> what changes when any of its features or scores does."""
        features = self.warehouse.read(FEATURES).select(
            "survey", F.xxhash64("source_id", "filter", "ccd", "quad", "input_hash").alias("hash")
        )
        scores = self.warehouse.read(self.scores).select(
            "survey", F.xxhash64("_id", "filter", "ccd", "quad", "model_version").alias("hash")
        )
        of_features, of_scores = (
            {row["survey"]: (row["rows"], row["digest"]) for row in digest.collect()}
            for digest in (
                rows.groupBy("survey").agg(
                    F.count("*").alias("rows"), F.bit_xor("hash").alias("digest")
                )
                for rows in (features, scores)
            )
        )
        return {name: (*digest, *of_scores.get(name, ())) for name, digest in of_features.items()}


def known_sources(
    curves: DataFrame, scores: DataFrame, *, survey: str, labels: Sequence[str], above: float
) -> DataFrame:
    """One row of the table per star with a position. No reads, no writes, no session.

    Parameters
    ----------
    curves, scores : DataFrame
        Rows of ``features`` and ``scores`` of that survey.
    labels : sequence of str
        Labels with score columns.
    above : float
        A label is kept if its score, of all light curves of the star together and by the surest
        kind of model, is at least this.
    """
    stars = _stars(curves).mapInArrow(_with_pixels, _STAR)
    labelled = stars.join(_labels(scores, labels, above), on="object_id", how="left")
    return labelled.withColumn("survey", F.lit(survey)).select(*KNOWN_SOURCES.schema.names)


def _stars(curves: DataFrame) -> DataFrame:
    """Mean position, period and amplitude of the stars that have a position."""
    lon, lat = F.radians("ra"), F.radians("dec")
    # The mean of unit vectors knows no poles, and no turn of right ascension.
    x, y, z = (F.avg(c) for c in (F.cos(lat) * F.cos(lon), F.cos(lat) * F.sin(lon), F.sin(lat)))
    return (
        curves.where(_has_position())
        .withColumn("period_day", F.coalesce(*[F.nanvl(p, F.lit(None)) for p in _PERIODS]))
        .withColumn("amp", F.nanvl("i90r", F.lit(None)).cast("float"))
        .groupBy("object_id")
        .agg(
            F.degrees(F.atan2(y, x)).alias("lon"),
            F.degrees(F.atan2(z, F.sqrt(x * x + y * y))).alias("dec"),
            _of_longest_curve("period_day"),
            _of_longest_curve("amp"),
        )
        .select("object_id", F.expr("pmod(lon, 360D)").alias("ra"), "dec", "period_day", "amp")
    )


def _of_longest_curve(name: str) -> Column:
    """The value of the light curve with most epochs among those that have one."""
    length = F.struct(F.coalesce("n", F.lit(0.0)), F.col("filter"), F.col("source_id"))
    return F.max_by(name, F.when(F.col(name).isNotNull(), length)).alias(name)


def _labels(scores: DataFrame, labels: Sequence[str], above: float) -> DataFrame:
    """Star -> its labels with the score of the surest kind of model, and what scored it."""
    best = [F.greatest(*[_of_star(f"{label}_{kind}") for kind in SCORE_KINDS]) for label in labels]
    sets = F.flatten(F.collect_set(F.split("model_version", ",")))
    found = scores.groupBy(F.col("obj_id").alias("object_id")).agg(
        F.map_from_arrays(F.array(*map(F.lit, labels)), F.array(*best)).alias("scored"),
        F.array_join(F.array_sort(F.array_distinct(sets)), ",").alias("model_version"),
    )
    kept = F.map_filter("scored", lambda _, score: score >= above)
    return found.select("object_id", kept.alias("labels"), "model_version")


def _of_star(name: str) -> Column:
    """The logistic of the mean logit over the light curves: see ``models.evaluation.bands``."""
    edge = 1e-6
    score = F.least(F.greatest(F.col(name).cast("double"), F.lit(edge)), F.lit(1.0 - edge))
    logit = F.when(F.col(name).isNotNull(), F.log(score / (1.0 - score)))
    return (1.0 / (1.0 + F.exp(-F.avg(logit)))).cast("float")


def _with_pixels(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        ra, dec = (batch.column(name).to_numpy(zero_copy_only=False) for name in ("ra", "dec"))
        healpix = healpix_nested(ra, dec, order=HEALPIX_ORDER)
        pixel = (healpix >> 2 * (HEALPIX_ORDER - FOLDER_ORDER)).astype(np.int32)
        yield pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array(pixel), pa.array(healpix)],
            names=[*batch.schema.names, "pixel", "healpix"],
        )


def _has_position() -> Column:
    return F.expr("object_id IS NOT NULL AND ra + dec IS NOT NULL AND NOT isnan(ra + dec)")
