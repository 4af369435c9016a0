"""The registry as a Delta table: read, register, change stages; each in one commit."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields

import delta.exceptions.captured  # noqa: F401 - makes pyspark raise Delta's own exceptions
from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
)
from pyspark.sql import Row

from jobs.common.tables import Warehouse
from models.registry import Model
from udfs.errors import ContractError
from udfs.schemas import MODELS
from udfs.table import Table

_KEY = ("algorithm", "label", "version")
_STAGES = ("stage", "promoted", "change", "changed", "reason")
# Delta drops a commit of an application whose number is not above the last one's: the number of
# the change of stages thus makes the second of two promotions that saw the same table fail.
_APPLICATION = "change of stages"
_CONFLICTS = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
)


def read_models(warehouse: Warehouse) -> list[Model]:
    """All rows of the registry; none if nothing has been registered."""
    if not warehouse.exists(MODELS):
        return []
    return [_model_of(row) for row in warehouse.read(MODELS).collect()]


def append_models(warehouse: Warehouse, models: Sequence[Model], *, set_name: str) -> None:
    """Append the models of one set; Delta drops a second registration of the same set."""
    warehouse.create(MODELS)
    rows = warehouse.spark.createDataFrame([_row_of(m) for m in models], MODELS.schema)
    (
        rows.coalesce(1)
        .write.format("delta")
        .mode("append")
        .option("txnAppId", f"register {set_name}")
        .option("txnVersion", 1)
        .save(warehouse.path(MODELS))
    )


def change_stages(warehouse: Warehouse, models: Sequence[Model], *, change: int) -> None:
    """Write the stages of these models, in one commit, all or nothing.

    Parameters
    ----------
    models : rows as they shall be
    change : int
        One above the number of the last change, in the table that was decided upon.

    Raises
    ------
    ContractError
        If another change was committed since; nothing has been written then.
    """
    # A session of its own: Delta takes the number of a MERGE from the session's settings.
    spark = warehouse.spark.newSession()
    spark.conf.set("spark.databricks.delta.write.txnAppId", _APPLICATION)
    spark.conf.set("spark.databricks.delta.write.txnVersion", str(change))
    rows = spark.createDataFrame([_row_of(m) for m in models], MODELS.schema)
    rows.createOrReplaceTempView("changed")
    try:
        merged = spark.sql(
            f"MERGE INTO delta.`{warehouse.path(MODELS)}` t USING changed s "
            f"ON {' AND '.join(f't.{name} = s.{name}' for name in _KEY)} "
            f"WHEN MATCHED THEN UPDATE SET {', '.join(f't.{n} = s.{n}' for n in _STAGES)}"
        ).collect()
    except _CONFLICTS as error:
        raise _other_change(change) from error
    if not merged or merged[0]["num_updated_rows"] != len(models):
        raise _other_change(change)


def delta_versions(warehouse: Warehouse, tables: Iterable[Table]) -> dict[str, int]:
    """Table -> number of its last commit; ContractError if one is not there."""
    found = {}
    for table in tables:
        warehouse.read(table)
        found[table.name] = warehouse.version(table)
    return found


def _other_change(change: int) -> ContractError:
    return ContractError(
        f"change {change} of the registry was made by somebody else while this one was being "
        "checked, and nothing of this one has been written: see promote_models --list, and run it "
        "again"
    )


def _row_of(model: Model) -> tuple[object, ...]:
    told = asdict(model)
    return tuple(told[name] for name in MODELS.schema.names)


def _model_of(row: Row) -> Model:
    told = row.asDict()
    told["files"] = tuple((f["name"], f["sha256"], f["bytes"]) for f in told["files"])
    told["features"] = tuple(told["features"])
    return Model(**{field.name: told[field.name] for field in fields(Model)})
