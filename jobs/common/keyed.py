"""Tables that grow by rows with new keys only, cheap enough for a stream."""

from collections.abc import Sequence
from typing import Any

from delta.exceptions import ConcurrentAppendException
from pyspark.sql import DataFrame

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

    Delta takes an append for blind and lets two of them pass side by side. These are transactions
    that have read the whole table: of two that began at one version only the first commits. Marks
    as ``txnAppId`` and ``txnVersion`` would fence as well, but Delta reads the whole log of the
    table to compare them, which takes longer than the append of a micro-batch itself.

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
        warehouse.create(self._table)
        return self._new_at(warehouse, warehouse.version(self._table), keys, partitions)

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
        path = warehouse.path(self._table)
        rows = conform(rows, self._table.schema, table=path)
        transaction = warehouse.begin(self._table)
        read = transaction.readVersion()
        # Whatever came in between may have been OPTIMIZE only.
        if not all(self._new_at(warehouse, read, keys, partitions)):
            raise self._disturbed(path)
        try:
            made = warehouse.commit_append(transaction, rows)
        except ConcurrentAppendException as error:
            raise self._disturbed(path) from error
        self._version = made if made == read + 1 else _UNKNOWN
        for key, part in zip(keys, partitions or [None] * len(keys), strict=True):
            self._known[part].add(key)

    def _new_at(
        self, warehouse: Warehouse, version: int, keys: Sequence[Key], partitions: Sequence[Any]
    ) -> list[bool]:
        partitions = partitions or [None] * len(keys)
        wanted = set(partitions)
        if version != self._version:
            self._known.clear()
        missing = wanted - self._known.keys()
        # A night comes and goes: only what this micro-batch needs is kept.
        self._known = {part: self._known.get(part, set()) for part in wanted}
        if missing:
            self._read(warehouse, missing, version)
        self._version = version
        return [key not in self._known[part] for key, part in zip(keys, partitions, strict=True)]

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
