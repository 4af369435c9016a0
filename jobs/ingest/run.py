"""The order of work of ``ingest_light_curves``: inspect, read, check, write, account."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.config import Survey
from jobs.common.ledger import Done, Ledger
from jobs.common.progress import Progress
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from jobs.ingest.checked import (
    light_curves,
    mark_duplicates,
    quarantine,
    with_checks,
    with_source_id,
)
from jobs.ingest.inputs import BadFile, InputFile, choose_form, find_inputs
from jobs.ingest.raw import read_raw
from udfs.errors import ContractError
from udfs.schemas import LIGHT_CURVES, QUARANTINE, SOURCES

JOB = "ingest_light_curves"
log = logging.getLogger(__name__)


@dataclass
class Account:
    """What came in, what went on, what was put aside."""

    curves_in: int = 0
    curves_out: int = 0
    epochs_in: int = 0
    epochs_out: int = 0
    epochs_aside: int = 0

    def add(self, other: "Account") -> None:
        """Sum up."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def check(self) -> None:
        """Epochs must add up exactly; light curves do by construction of the difference."""
        if self.epochs_in != self.epochs_out + self.epochs_aside:
            raise AssertionError(f"epochs do not add up: {self}")


class Ingest:
    """Reads files of one survey into one warehouse."""

    def __init__(
        self,
        warehouse: Warehouse,
        survey: Survey,
        ledger: Ledger,
        *,
        form: str | None,
        positions: str | None,
    ) -> None:
        self._warehouse = warehouse
        self._spark = warehouse.spark
        self._survey = survey
        self._ledger = ledger
        self._form = form
        self._positions = positions

    def run(self, paths: Sequence[str], *, commit_bytes: int, force: bool) -> None:
        """Read all files that are not done yet, some at a time, and print the account."""
        good, bad = find_inputs(self._spark, paths)
        forms = {f.path: self._choose_form(f) for f in good}
        finished = {} if force else self._ledger.finished()
        wanted = [f for f in good if finished.get(f.path) != self._fingerprint(f)]
        if len(wanted) < len(good):
            log.info("%s of %s files are done already", len(good) - len(wanted), len(good))
        self._put_aside(bad)
        progress = Progress(JOB, sum(f.rows for f in wanted), of="rows")
        total = Account()
        for form in sorted({forms[f.path] for f in wanted}):
            mine = [f for f in wanted if forms[f.path] == form]
            for group in self._groups(mine, form, commit_bytes):
                total.add(self._ingest(group, form, progress))
        log.info(
            "light curves: %s in = %s out + %s quarantined",
            f"{total.curves_in:,}", f"{total.curves_out:,}",
            f"{total.curves_in - total.curves_out:,}",
        )  # fmt: skip
        log.info(
            "epochs: %s in = %s out + %s quarantined",
            f"{total.epochs_in:,}", f"{total.epochs_out:,}", f"{total.epochs_aside:,}",
        )  # fmt: skip
        if bad:
            raise ContractError(
                f"{len(bad)} of {len(good) + len(bad)} files could not be read, see quarantine; "
                f"the first: {bad[0].path}: {bad[0].reason}: {bad[0].value}"
            )

    def _choose_form(self, file: InputFile) -> str:
        return choose_form(self._survey, file.schema, path=file.path, wanted=self._form)

    def _fingerprint(self, file: InputFile) -> str:
        return fingerprint(self._survey, self._positions, file.size, file.modified)

    def _groups(
        self, files: Sequence[InputFile], form: str, commit_bytes: int
    ) -> Iterator[list[InputFile]]:
        """Files of one commit. Epochs of a source may lie in several files: these go together."""
        group: list[InputFile] = []
        for file in files:
            full = sum(f.size for f in group) + file.size > commit_bytes
            if group and full and self._survey.forms[form].layout == "light_curves":
                yield group
                group = []
            group.append(file)
        if group:
            yield group

    def _ingest(self, files: Sequence[InputFile], form: str, progress: Progress) -> Account:
        start = time.monotonic()
        survey = self._survey
        chosen = survey.forms[form]
        raw = read_raw(
            self._spark,
            [f.path for f in files],
            survey,
            form=chosen,
            positions=self._positions,
        )
        if "source_id" not in chosen.columns:
            raw = with_source_id(raw, survey)
        checked = with_checks(raw, survey).persist(StorageLevel.DISK_ONLY)
        with progress.watch(self._spark.sparkContext, sum(f.rows for f in files)):
            repeated = checked.where("keep").groupBy("source_id").count().where("count > 1")
            whole = mark_duplicates(checked) if not repeated.isEmpty() else checked
            per_file = self._account(whole)
            self._write(whole, files)
        seconds = time.monotonic() - start
        by_epochs = chosen.layout == "epochs"
        self._ledger.record([self._done(f, per_file, by_epochs, seconds) for f in files])
        checked.unpersist()
        progress.add(sum(f.rows for f in files))
        account = Account()
        for part in per_file.values():
            account.add(part)
        account.check()
        return account

    def _account(self, checked: DataFrame) -> dict[str, Account]:
        aside = F.aggregate(
            "problems", F.lit(0), lambda total, p: total + F.coalesce(p["n_epochs"], F.lit(0))
        )
        rows = checked.groupBy("input_file").agg(
            F.count("*").alias("curves_in"),
            F.sum(F.col("keep").cast("int")).alias("curves_out"),
            F.sum("n_epochs_in").alias("epochs_in"),
            F.sum(F.when(F.col("keep"), F.col("n_epochs")).otherwise(0)).alias("epochs_out"),
            F.sum(aside).alias("epochs_aside"),
        )
        return {row["input_file"]: Account(*row[1:]) for row in rows.collect()}

    def _write(self, checked: DataFrame, files: Sequence[InputFile]) -> None:
        """Quarantine first: whoever finds the light curve finds what was wrong with it."""
        found = quarantine(checked, job=JOB, unit=F.col("input_file"))
        self._replace_quarantine(found, [f.path for f in files])
        curves = light_curves(checked)
        fields = sorted(row[0] for row in curves.select("field").distinct().collect())
        if not fields:
            return
        where = f"survey = '{self._survey.name}'"
        self._warehouse.upsert(
            curves,
            LIGHT_CURVES,
            key=("survey", "field", "source_id"),
            changed=("content_hash",),
            where=f"{where} AND field IN ({', '.join(map(str, fields))})",
            order_by=("field", "healpix"),
        )
        self._warehouse.upsert(
            curves.select(*SOURCES.schema.names),
            SOURCES,
            key=("survey", "source_id"),
            changed=("ra", "dec", "n_epochs"),
            where=where,
            order_by=("healpix",),
        )

    def _put_aside(self, bad: Sequence[BadFile]) -> None:
        """Files that cannot be read get one row each in the quarantine."""
        for file in bad:
            log.error("error: %s: %s: %s", file.path, file.reason, file.value)
        if not bad:
            return
        nothing = (None,) * 4
        rows = [
            (JOB, f.path, self._survey.name, "file", f.reason, f.path, None, None, None, None,
             f.value, "a whole Parquet file with rows", None, *nothing)
            for f in bad
        ]  # fmt: skip
        records = self._spark.createDataFrame(rows, QUARANTINE.schema)
        self._replace_quarantine(records, [f.path for f in bad])

    def _replace_quarantine(self, records: DataFrame, paths: Sequence[str]) -> None:
        units = ", ".join("'" + p.replace("'", "\\'") + "'" for p in paths)
        self._warehouse.replace(
            records,
            QUARANTINE,
            where=f"job = '{JOB}' AND survey = '{self._survey.name}' AND unit IN ({units})",
        )

    def _done(
        self, file: InputFile, accounts: dict[str, Account], by_epochs: bool, seconds: float
    ) -> Done:
        account = accounts.get(file.path, Account())
        rows_in = account.epochs_in if by_epochs else account.curves_in
        rows_out = account.epochs_out if by_epochs else account.curves_out
        return Done(
            file.path, self._fingerprint(file), rows_in, rows_out, rows_in - rows_out, seconds
        )
