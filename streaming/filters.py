"""Filters of the stream: one TOML file in conf/filters is one filter and one Kafka topic."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType

from models.toml_tables import check_keys, parse_toml, suggestion
from udfs.alert_schemas import SCORED_ALERTS
from udfs.errors import ContractError

TOPIC_PREFIX = "lambdasky_"
# What Kafka takes as the name of a topic.
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@dataclass(frozen=True)
class AlertFilter:
    """One filter: which alerts it lets through, and to which topic.

    Attributes
    ----------
    name : str
        Name of its file.
    about : str
        What it looks for, in a sentence.
    where : str
        Spark SQL over one row of ``scored_alerts``, boolean; null counts as no. NaN reads as null
        there: an undefined number passes no comparison.
    topic : str
        Kafka topic of the alerts that pass.
    version : str
        Hash of the file.
    """

    name: str
    about: str
    where: str
    topic: str
    version: str


def read_filters(folder: Path) -> list[AlertFilter]:
    """All filters of a folder, by name.

    Raises
    ------
    ContractError
        If there is no such folder, a file is not TOML, a key is unknown, missing or no text, a
        topic has a name that Kafka refuses, or two filters share one.
    """
    if not folder.is_dir():
        raise ContractError(f"no filters: {folder} is not a folder")
    filters = [_read(path) for path in sorted(folder.glob("*.toml"))]
    owner: dict[str, str] = {}
    for each in filters:
        if each.topic in owner:
            raise ContractError(
                f"{folder / each.name}.toml: topic {each.topic!r} is that of "
                f"{owner[each.topic]}.toml; give each filter its own"
            )
        owner[each.topic] = each.name
    return filters


def check_filters(spark: SparkSession, filters: Sequence[AlertFilter]) -> None:
    """Raise ContractError for the first filter that is no condition on a row of scored_alerts.

    Spark resolves each ``where`` against the table's schema; no row is read. What only a row can
    show, such as a division by zero, stops the stream: use ``try_divide`` and the like.
    """
    rows = spark.createDataFrame([], SCORED_ALERTS.schema)
    for each in filters:
        _check(rows, each)


def _read(path: Path) -> AlertFilter:
    content = path.read_bytes()
    table = parse_toml(content.decode(errors="replace"), source=str(path))
    check_keys(table, required=("about", "where"), optional=("topic",), where=str(path))
    for key, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise ContractError(f"{path}: {key} is {value!r}, expected a text")
    topic = table.get("topic", f"{TOPIC_PREFIX}{path.stem}")
    if not _TOPIC.fullmatch(topic):
        raise ContractError(
            f"{path}: topic {topic!r} is no name for Kafka: up to 249 of a-z A-Z 0-9 . _ -"
        )
    version = hashlib.sha256(content).hexdigest()[:12]
    return AlertFilter(path.stem, table["about"].strip(), table["where"].strip(), topic, version)


def _check(rows: DataFrame, alert_filter: AlertFilter) -> None:
    file = f"{alert_filter.name}.toml"
    try:
        condition = F.expr(alert_filter.where)
        # As a value, as it will be used; and as a condition, which refuses aggregates and windows.
        dtype = rows.select(condition.alias("passes")).schema["passes"].dataType
        rows.where(condition.cast("boolean")).schema  # noqa: B018
    except ParseException as error:
        raise ContractError(f"{file}: where is not SQL: {_first_line(error)}") from error
    except AnalysisException as error:
        raise ContractError(f"{file}: {_reason(error)}") from error
    if not isinstance(dtype, BooleanType):
        raise ContractError(f"{file}: where is {dtype.simpleString()}, expected boolean")


def _reason(error: AnalysisException) -> str:
    if (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
        parameters = error.getMessageParameters() or {}
        column = parameters.get("objectName", "").replace("`", "")
        return (
            f"where: scored_alerts has no column {column!r}"
            f"{suggestion(column, SCORED_ALERTS.schema.names)}"
        )
    return f"where cannot be evaluated on a row: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
