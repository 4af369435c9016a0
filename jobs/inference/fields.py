"""Which fields have features, and the rows of a field."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from udfs.errors import ContractError
from udfs.schemas import FEATURES


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


def find_fields(warehouse: Warehouse, survey: str | None, numbers: Sequence[int]) -> list[Field]:
    """The fields with features, of one survey or all, all of them or those numbers.

    Raises
    ------
    ContractError
        If one of them has no sources.
    """
    rows = warehouse.read(FEATURES)
    if survey:
        rows = rows.where(F.col("survey") == survey)
    if numbers:
        rows = rows.where(F.col("field").isin(list(numbers)))
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
    absent = sorted(set(numbers) - {field.number for field in found})
    of = f" of survey {survey}" if survey else ""
    if absent or not found:
        named = f"field {absent[0]}{of}" if absent else f"the features table{of}"
        raise ContractError(
            f"{named} has no sources with features; run compute_features for it, or choose "
            "others with --fields and --survey"
        )
    return found


def where_of(group: Sequence[Field]) -> str:
    """The rows of fields of one survey, in SQL."""
    survey = group[0].survey.replace("'", "\\'")
    return f"survey = '{survey}' AND field IN ({', '.join(str(f.number) for f in group)})"
