"""Tables that grow by rows with new keys only, cheap enough for a stream."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from delta.exceptions import ConcurrentTransactionException
from pyspark.sql import DataFrame

from jobs.common import files
from jobs.common.tables import Warehouse, conform
from udfs.errors import ContractError
from udfs.table import Table

Key = tuple[Any, ...]
_UNKNOWN = -2


class KeyedTable:
    """Appends rows whose keys are not in a table yet.

    A ``MERGE`` would look for the keys in the table with every micro-batch. Here they are read
    once per partition and then remembered, as long as nobody else writes: the table's version is
    compared before each append.

    Delta drops the second of two writers that looked at the same state: they give the same
    ``txnAppId`` and ``txnVersion``. The version is that of the table and not the number of the
    micro-batch, which comes again with a new checkpoint, or with an older copy of one: Delta would
    drop new alerts then. That it dropped something is always noticed, by a mark in the commit.

    Parameters
    ----------
    key : sequence of str
        Columns that identify a row.
    partition : str, optional
        Column such that equal keys have equal values there. Only partitions in use are remembered.
    """

    def __init__(self, table: Table, *, key: Sequence[str], partition: str | None = None) -> None:
        self._table = table
        self._key = tuple(key)
        self._partition = partition
        self._known: dict[Any, set[Key]] = {}
        self._version = _UNKNOWN

    def is_new(
        self, warehouse: Warehouse, keys: Sequence[Key], partitions: Sequence[Any] = ()
    ) -> list[bool]:
        """For each key whether no row has it.

        Parameters
        ----------
        partitions
            Of each key; empty for a table that has none.
        """
        partitions = partitions or [None] * len(keys)
        self._look_up(warehouse, set(partitions))
        return [key not in self._known[part] for key, part in zip(keys, partitions, strict=True)]

    def append(
        self,
        warehouse: Warehouse,
        rows: DataFrame,
        *,
        keys: Sequence[Key],
        partitions: Sequence[Any] = (),
    ) -> None:
        """Append rows with these keys, which :meth:`is_new` has just said are new.

        Raises
        ------
        ContractError
            If somebody else wrote to the table meanwhile. Nothing was written then; the next
            attempt looks the keys up again.
        """
        path, expected = warehouse.path(self._table), self._version + 1
        mark = uuid.uuid4().hex
        writer = (
            conform(rows, self._table.schema, table=path)
            .write.format("delta")
            .mode("append")
            .option("txnAppId", f"new keys of {self._table.name}")
            .option("txnVersion", expected)
            .option("userMetadata", mark)
        )
        try:
            writer.save(path)
        except ConcurrentTransactionException as error:
            raise self._disturbed(path) from error
        made = _found_commit(warehouse, self._table, mark, after=self._version)
        if made is None:
            raise self._disturbed(path)
        # Whatever came in between, such as OPTIMIZE, is looked at before the next append.
        self._version = made if made == expected else _UNKNOWN
        for key, part in zip(keys, partitions or [None] * len(keys), strict=True):
            self._known[part].add(key)

    def _look_up(self, warehouse: Warehouse, partitions: set[Any]) -> None:
        warehouse.create(self._table)
        version = warehouse.version(self._table)
        if version != self._version:
            self._known.clear()
        missing = partitions - self._known.keys()
        # A night comes and goes: only what this micro-batch needs is kept.
        self._known = {part: keys for part, keys in self._known.items() if part in partitions}
        for part in missing:
            self._known[part] = set()
        if missing:
            self._read(warehouse, missing, version)
        self._version = version

    def _read(self, warehouse: Warehouse, partitions: set[Any], version: int) -> None:
        spark, path = warehouse.spark, warehouse.path(self._table)
        rows = spark.read.format("delta").option("versionAsOf", version).load(path)
        columns = list(self._key)
        if self._partition is not None:
            rows = rows.where(rows[self._partition].isin(sorted(partitions)))
            columns.append(self._partition)
        found: Any = rows.select(*columns).toArrow()
        lists = [found.column(name).to_pylist() for name in columns]
        parts = lists.pop() if self._partition is not None else [None] * found.num_rows
        for part, *key in zip(parts, *lists, strict=True):
            self._known[part].add(tuple(key))

    def _disturbed(self, path: str) -> ContractError:
        self._version = _UNKNOWN
        return ContractError(
            f"{path}: somebody else wrote to it while this stream did; are two streams running? "
            "Each needs a warehouse of its own"
        )


def _found_commit(warehouse: Warehouse, table: Table, mark: str, *, after: int) -> int | None:
    """Version of the commit that we made; None: Delta drops a second one without a word."""
    for version in range(after + 1, warehouse.version(table) + 1):
        path = f"{warehouse.path(table)}/_delta_log/{version:020d}.json"
        for line in files.read_bytes(warehouse.spark, path).splitlines():
            if (json.loads(line).get("commitInfo") or {}).get("userMetadata") == mark:
                return version
    return None
