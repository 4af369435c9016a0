"""The order of work of ``fold_night``: nights of scored alerts into the tables of light curves."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.alerts.fold_epochs import (
    ALERT_NUMBERS,
    APPARENT,
    LIST_COLUMNS,
    epochs_of_alerts,
    merged_curves,
)
from jobs.common.config import Survey
from jobs.common.ledger import Done, Ledger
from jobs.common.progress import Progress
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from jobs.ingest.checked import quarantine, with_checks
from udfs.alert_schemas import SCORED_ALERTS
from udfs.alerts.photometry import SAME_SOURCE_ARCSEC
from udfs.checks.light_curves import EPOCH_COLUMNS
from udfs.errors import ContractError
from udfs.schemas import LIGHT_CURVES, QUARANTINE, SOURCES

JOB = "fold_night"
_NIGHT_OF_ORIGIN = r"night=(\d+)"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Night:
    """The alerts of one night: the unit of work."""

    night: int
    alerts: int
    fingerprint: str


@dataclass
class Account:
    """What became of the epochs that alerts tell of; ``told`` counts upper limits as well."""

    told: int = 0
    epochs_in: int = 0
    out: int = 0
    duplicates: int = 0
    aside: int = 0
    added: int = 0
    curves: int = 0

    def add(self, other: "Account") -> None:
        """Sum up."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def check(self) -> None:
        """Each number was counted on its own: they must add up."""
        if self.epochs_in != self.out + self.duplicates + self.aside:
            raise AssertionError(f"epochs do not add up: {self}")


class NightFold:
    """Folds nights of one warehouse into its light curves."""

    def __init__(self, warehouse: Warehouse, survey: Survey, ledger: Ledger) -> None:
        self._warehouse = warehouse
        self._survey = survey
        self._ledger = ledger
        self._mine = f"survey = '{survey.name}'"

    def run(self, wanted: Sequence[int], *, commit_alerts: int, force: bool) -> None:
        """All nights that are not done yet, some at a time, and print the account.

        Parameters
        ----------
        wanted : nights; none for all
        commit_alerts
            Alerts of one commit at most, where a night does not have more.

        Raises
        ------
        ContractError
            If a night has no alerts.
        """
        nights = self._nights(wanted)
        finished = {} if force else self._ledger.finished()
        left = [n for n in nights if finished.get(str(n.night)) != n.fingerprint]
        if len(left) < len(nights):
            log.info("%d of %d nights are done already", len(nights) - len(left), len(nights))
        progress = Progress(JOB, sum(n.alerts for n in left), of="alerts")
        total = Account()
        for group in _groups(left, commit_alerts):
            total.add(self._fold(group, progress))
        log.info(
            "epochs: %s told = %s upper limits and forced fluxes below 3 sigma + %s in",
            f"{total.told:,}", f"{total.told - total.epochs_in:,}", f"{total.epochs_in:,}",
        )  # fmt: skip
        log.info(
            "epochs: %s in = %s out + %s duplicates + %s quarantined",
            f"{total.epochs_in:,}", f"{total.out:,}", f"{total.duplicates:,}", f"{total.aside:,}",
        )  # fmt: skip
        log.info("%s epochs are new in %s light curves", f"{total.added:,}", f"{total.curves:,}")

    def _nights(self, wanted: Sequence[int]) -> list[Night]:
        alerts = self._warehouse.read(SCORED_ALERTS)
        if wanted:
            alerts = alerts.where(F.col("night").isin(list(wanted)))
        state = alerts.groupBy("night").agg(
            F.count("*").alias("n"), F.bit_xor(F.xxhash64("candid")).alias("candids")
        )
        release = code_version().partition("+")[0]
        found = [
            Night(row["night"], row["n"], fingerprint(release, self._survey, row["n"],
                                                      row["candids"]))
            for row in state.orderBy("night").collect()
        ]  # fmt: skip
        missing = sorted(set(wanted) - {n.night for n in found})
        if missing or not found:
            raise ContractError(
                f"{self._warehouse.path(SCORED_ALERTS)} has no alerts of night "
                f"{missing or 'any'}; nights are whole days of MJD: check --nights and --warehouse"
            )
        return found

    def _fold(self, group: Sequence[Night], progress: Progress) -> Account:
        start = time.monotonic()
        self._warehouse.create(LIGHT_CURVES)
        nights = [n.night for n in group]
        alerts = (
            self._warehouse.read(SCORED_ALERTS)
            .where(F.col("night").isin(nights))
            .select("candid", "objectId", "night", "ra", "dec", "distnr", *ALERT_NUMBERS,
                    *LIST_COLUMNS)
        )  # fmt: skip
        placed = alerts.join(F.broadcast(self._sources(alerts)), on="objectId", how="inner")
        checked = with_checks(epochs_of_alerts(placed), self._survey).persist(
            StorageLevel.DISK_ONLY
        )
        with progress.watch(self._warehouse.spark.sparkContext, sum(n.alerts for n in group)):
            told = alerts.select(F.sum(1 + _size("prv_jd") + _size("fp_jd"))).collect()[0][0]
            per_night = self._put_aside(checked, nights)
            account = self._merge(checked)
        account.told = told
        account.epochs_in = sum(n_in for n_in, _ in per_night.values())
        account.aside = sum(n_aside for _, n_aside in per_night.values())
        account.check()
        seconds = time.monotonic() - start
        done = []
        for night in group:
            n_in, n_aside = per_night.get(night.night, (0, 0))
            done.append(Done(str(night.night), night.fingerprint, n_in, n_in - n_aside, n_aside,
                             seconds))  # fmt: skip
        self._ledger.record(done)
        checked.unpersist()
        progress.add(sum(n.alerts for n in group))
        return account

    def _sources(self, alerts: DataFrame) -> DataFrame:
        """Position of each source, and whether its magnitudes are apparent ones.

        A source that has light curves stays where it is and what it is: its field must not
        change, nor may a light curve mix magnitudes of two kinds.
        """
        ra, dec = F.radians("ra"), F.radians("dec")
        distnr = F.when(F.col("distnr") >= 0, F.col("distnr"))
        means = alerts.groupBy("objectId").agg(
            F.avg(F.cos(dec) * F.cos(ra)).alias("x"),
            F.avg(F.cos(dec) * F.sin(ra)).alias("y"),
            F.avg(F.sin(dec)).alias("z"),
            F.median(distnr).alias("distnr"),
        )
        names = alerts.select("objectId").distinct()
        curves = self._warehouse.read(LIGHT_CURVES).where(self._mine)
        known = curves.withColumnRenamed("object_id", "objectId").join(
            F.broadcast(names), on="objectId", how="left_semi"
        )
        stored = known.groupBy("objectId").agg(
            *[F.min_by(c, "source_id").alias(f"stored_{c}") for c in ("ra", "dec", "input_file")]
        )
        mean_ra = F.pmod(F.degrees(F.atan2("y", "x")), F.lit(360.0))
        mean_dec = F.degrees(F.atan2("z", F.sqrt(F.col("x") ** 2 + F.col("y") ** 2)))
        was_apparent = F.col("stored_input_file").endswith(APPARENT)
        near = F.coalesce(F.col("distnr") < SAME_SOURCE_ARCSEC, F.lit(False))
        return means.join(stored, on="objectId", how="left").select(
            "objectId",
            # -1e-17 degrees are 360 to a float.
            F.coalesce("stored_ra", F.when(mean_ra < 360, mean_ra).otherwise(0.0)).alias(
                "source_ra"
            ),
            F.coalesce("stored_dec", mean_dec).alias("source_dec"),
            F.coalesce(was_apparent, near).alias("apparent"),
        )

    def _put_aside(self, checked: DataFrame, nights: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Quarantine first: whoever finds a light curve finds what is not in it.

        Returns
        -------
        night -> epochs that came in, epochs put aside
        """
        night = F.regexp_extract("input_file", _NIGHT_OF_ORIGIN, 1)
        units = ", ".join(f"'{n}'" for n in nights)
        records = quarantine(checked, job=JOB, unit=night)
        self._warehouse.replace(
            records.withColumn("row", F.lit(None).cast("bigint")),
            QUARANTINE,
            where=f"job = '{JOB}' AND {self._mine} AND unit IN ({units})",
        )
        aside = F.aggregate("problems", F.lit(0), lambda n, p: n + p["n_epochs"])
        counts = checked.groupBy(night.cast("int").alias("night")).agg(
            F.sum("n_epochs_in"), F.sum(aside)
        )
        return {row[0]: (row[1], row[2]) for row in counts.collect()}

    def _merge(self, checked: DataFrame) -> Account:
        good = checked.where("keep")
        fields = sorted(row[0] for row in good.select("field").distinct().collect())
        if not fields:
            return Account()
        here = f"{self._mine} AND field IN ({', '.join(map(str, fields))})"
        merged = merged_curves(self._told_and_stored(good, here)).withColumn(
            "content_hash", F.xxhash64(*EPOCH_COLUMNS)
        )
        merged = merged.persist(StorageLevel.DISK_ONLY)
        grown = F.col("n_epochs") > F.col("n_stored")
        row = merged.agg(
            F.sum("n_out"),
            F.sum("n_duplicates"),
            F.sum(F.col("n_epochs") - F.col("n_stored")),
            F.sum(grown.cast("int")),
        ).collect()[0]
        curves = merged.select(*LIGHT_CURVES.schema.names)
        self._warehouse.upsert(
            curves, LIGHT_CURVES, key=("survey", "field", "source_id"), changed=("content_hash",),
            where=here, order_by=("field", "healpix"),
        )  # fmt: skip
        self._warehouse.upsert(
            curves.select(*SOURCES.schema.names), SOURCES, key=("survey", "source_id"),
            changed=("ra", "dec", "n_epochs"), where=self._mine, order_by=("healpix",),
        )  # fmt: skip
        merged.unpersist()
        return Account(out=row[0], duplicates=row[1], added=row[2], curves=row[3])

    def _told_and_stored(self, good: DataFrame, here: str) -> DataFrame:
        """One row per light curve that alerts tell of, with the epochs that it has."""
        identity = ("survey", "field", "ccd", "quad", "filter", "object_id", "ra", "dec", "healpix")
        pieces = F.collect_list(F.struct("row", *EPOCH_COLUMNS))
        # Sorted, so that which of two equal tellers counts does not depend on the shuffle.
        told = good.groupBy("source_id").agg(
            *[F.first(c).alias(c) for c in identity],
            F.regexp_replace(F.first("input_file"), rf"{_NIGHT_OF_ORIGIN}/", "").alias(
                "input_file"
            ),
            F.sort_array(pieces).alias("told"),
        )
        stored = self._warehouse.read(LIGHT_CURVES).where(here)
        old = stored.select(
            "source_id", *[F.col(c).alias(f"old_{c}") for c in ("hmjd", "mag", "magerr")]
        )
        return told.join(old, on="source_id", how="left")


def _size(column: str) -> Column:
    return F.coalesce(F.array_size(column), F.lit(0))


def _groups(nights: Sequence[Night], commit_alerts: int) -> Iterator[list[Night]]:
    """Nights of one commit, in order of time."""
    group: list[Night] = []
    for night in nights:
        if group and sum(n.alerts for n in group) + night.alerts > commit_alerts:
            yield group
            group = []
        group.append(night)
    if group:
        yield group
