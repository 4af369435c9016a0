"""Writing the labels of one catalogue, as often as one likes."""

import logging
from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.common.tables import Warehouse
from jobs.labels.catalogue import LABEL_LIST, label_rows, quarantined, unknown_classes
from models.class_map import ClassMap
from models.taxonomy import Taxonomy
from udfs.errors import ContractError
from udfs.schemas import LABELS, QUARANTINE

JOB = "ingest_labels"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """What became of the stars of a catalogue."""

    stars: int
    labelled: int
    unknown: int


def replace_labels(
    warehouse: Warehouse,
    stars: DataFrame,
    mapped: ClassMap,
    *,
    taxonomy: Taxonomy,
    survey: str,
    path: str,
) -> Account:
    """Replace what a catalogue says of a survey's stars, and put unknown classes aside.

    Parameters
    ----------
    stars : DataFrame
        As ``read_catalogue`` gives it.
    mapped : ClassMap
        Without classes, the stars must have come with lists of labels.

    Raises
    ------
    ContractError
        If the catalogue is empty, no class is known, or a list holds an unknown label.
    """
    counts = {row["class"]: row["count"] for row in stars.groupBy("class").count().collect()}
    if not counts:
        raise ContractError(f"{path}: no stars; nothing was changed")
    if not mapped.classes:
        lists = sorted(name for name in counts if name is not None)
        mapped = mapped.of_lists(lists, taxonomy, where=f"{path} column {LABEL_LIST}")
    unknown = sum(n for name, n in counts.items() if name not in mapped.classes)
    for name in sorted(str(name) for name in counts if name not in mapped.classes):
        log.info("unknown class %r: see the table quarantine", name)
    total = sum(counts.values())
    if unknown == total:
        raise ContractError(
            f"{path}: none of its classes ({', '.join(map(str, list(counts)[:5]))}) is in the map, "
            f"which knows {', '.join(list(mapped.classes)[:5])}; choose another --map"
        )
    origin = mapped.origin
    warehouse.replace(
        label_rows(stars, mapped, taxonomy, survey=survey, origin=origin),
        LABELS,
        where=f"survey = {_quoted(survey)} AND origin = {_quoted(origin)}",
    )
    warehouse.replace(
        quarantined(
            unknown_classes(stars, list(mapped.classes)), job=JOB, unit=path, survey=survey
        ),
        QUARANTINE,
        where=f"job = '{JOB}' AND survey = {_quoted(survey)} AND unit = {_quoted(path)}",
    )
    log.info(
        "%s: %s stars in = %s labelled + %s quarantined",
        origin, f"{total:,}", f"{total - unknown:,}", f"{unknown:,}",
    )  # fmt: skip
    return Account(total, total - unknown, unknown)


def _quoted(text: str) -> str:
    """A string literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
