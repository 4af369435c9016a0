"""Rows with new keys only: beside other writers, after a repetition, with a forgotten state."""

from dataclasses import replace

import pytest
from delta.exceptions import ConcurrentAppendException
from pyspark.sql.types import LongType, StringType, StructType

from jobs.common.keyed import KeyedTable
from udfs.errors import ContractError
from udfs.table import Table, column

TABLE = Table(
    "toys",
    StructType([
        column("night", LongType(), "", required=True),
        column("number", LongType(), "", required=True),
        column("origin", StringType(), ""),
    ]),
    ("night",),
    "",
)  # fmt: skip


def open_table():
    return KeyedTable(TABLE, key=("number",), partition="night")


def add(table, warehouse, numbers, *, night=1, origin="me"):
    """What the stream does: ask, then append what is new; returns that."""
    keys = [(n,) for n in numbers]
    new = table.is_new(warehouse, keys, [night] * len(keys))
    fresh = [key for key, is_new in zip(keys, new, strict=True) if is_new]
    if fresh:
        rows = warehouse.spark.createDataFrame(
            [(night, n, origin) for (n,) in fresh], TABLE.schema
        ).coalesce(1)
        table.append(warehouse, rows, keys=fresh, partitions=[night] * len(fresh))
    return [n for (n,) in fresh]


def content(warehouse):
    rows = warehouse.read(TABLE).collect()
    return sorted((row["night"], row["number"], row["origin"]) for row in rows)


def test_known_keys_are_left_out_by_the_same_and_by_another_object(warehouse):
    table = open_table()
    assert add(table, warehouse, [1, 2]) == [1, 2]
    assert add(table, warehouse, [2, 3]) == [3]
    assert add(table, warehouse, [3], night=2) == [3]
    # After a restart nothing is remembered.
    assert add(open_table(), warehouse, [1, 2, 3, 4]) == [4]
    assert content(warehouse) == [
        (1, 1, "me"),
        (1, 2, "me"),
        (1, 3, "me"),
        (1, 4, "me"),
        (2, 3, "me"),
    ]


def test_rows_of_another_writer_are_seen(warehouse):
    table = open_table()
    add(table, warehouse, [1])
    add(open_table(), warehouse, [2], origin="another")
    assert add(table, warehouse, [1, 2, 3]) == [3]
    warehouse.spark.sql(f"OPTIMIZE delta.`{warehouse.path(TABLE)}`").collect()
    assert add(table, warehouse, [3, 4]) == [4]
    assert [number for _, number, _ in content(warehouse)] == [1, 2, 3, 4]


def test_of_two_streams_the_later_is_told_and_writes_nothing(warehouse):
    first, second = open_table(), open_table()
    keys, night = [(1,)], [1]
    assert first.is_new(warehouse, keys, night) == second.is_new(warehouse, keys, night) == [True]
    mine = warehouse.spark.createDataFrame([(1, 1, "first")], TABLE.schema)
    theirs = warehouse.spark.createDataFrame([(1, 1, "second")], TABLE.schema)
    first.append(warehouse, mine, keys=keys, partitions=night)
    with pytest.raises(ContractError, match="somebody else wrote to it"):
        second.append(warehouse, theirs, keys=keys, partitions=night)
    assert content(warehouse) == [(1, 1, "first")]
    assert add(second, warehouse, [1, 2], origin="second") == [2]


def test_of_two_appends_that_began_at_one_version_the_first_commits(warehouse):
    warehouse.create(TABLE)
    begun = [warehouse.begin(TABLE) for _ in range(2)]
    rows = [warehouse.spark.createDataFrame([(1, 1, o)], TABLE.schema) for o in ("first", "second")]
    assert warehouse.commit_append(begun[0], rows[0]) == 1
    with pytest.raises(ConcurrentAppendException):
        warehouse.commit_append(begun[1], rows[1])
    assert content(warehouse) == [(1, 1, "first")]


def test_the_properties_of_a_table_reach_delta(warehouse):
    warehouse.create(replace(TABLE, properties={"delta.checkpointInterval": "7"}))
    told = warehouse.spark.sql(f"SHOW TBLPROPERTIES delta.`{warehouse.path(TABLE)}`").collect()
    assert {row["key"]: row["value"] for row in told}["delta.checkpointInterval"] == "7"


def test_maintenance_between_question_and_append_is_no_error(warehouse):
    table = open_table()
    add(table, warehouse, [1])
    add(table, warehouse, [2])
    assert table.is_new(warehouse, [(3,)], [1]) == [True]
    warehouse.spark.sql(f"OPTIMIZE delta.`{warehouse.path(TABLE)}`").collect()
    rows = warehouse.spark.createDataFrame([(1, 3, "me")], TABLE.schema)
    table.append(warehouse, rows, keys=[(3,)], partitions=[1])
    assert add(table, warehouse, [1, 2, 3, 4]) == [4]
    assert [number for _, number, _ in content(warehouse)] == [1, 2, 3, 4]
