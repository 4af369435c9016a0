"""The warehouse: the only place that reads and writes Delta tables.

Every write can be repeated: a job either replaces exactly the rows that it owns, in one commit,
or merges by key. A job killed between two writes leaves each table as it was before or after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from udfs.errors import ContractError
from udfs.table import Table


@dataclass(frozen=True)
class Warehouse:
    """All tables under one root, each in the folder of its name."""

    spark: SparkSession
    root: str

    def path(self, table: Table) -> str:
        """Folder of a table."""
        return f"{self.root.rstrip('/')}/{table.name}"

    def exists(self, table: Table) -> bool:
        """Whether the table has been made."""
        # DeltaTable.isDeltaTable remembers a no for an hour, if it looks while the first commit is
        # being written.
        return self.version(table) >= 0

    def read(self, table: Table) -> DataFrame:
        """The table, with exactly the columns of its schema.

        Raises
        ------
        ContractError
            If there is no such table yet, or its columns are not those of the schema.
        """
        if not self.exists(table):
            raise ContractError(
                f"{self.path(table)} is not a Delta table: run the job that writes "
                f"{table.name!r} first, or check --warehouse"
            )
        rows = self.spark.read.format("delta").load(self.path(table))
        present = set(rows.columns)
        for name in table.schema.names:
            if name not in present:
                raise ContractError(
                    f"{self.path(table)} has no column {name!r}, as an earlier version of the code "
                    f"or of the labels left it: run the job that writes {table.name!r} again, "
                    "which adds it"
                )
        return conform(rows, table.schema, table=self.path(table))

    def create(self, table: Table) -> None:
        """Make the table, empty, with its column comments; one that is there gets new columns.

        Rows of an earlier version of the code, or of a taxonomy with fewer labels, have null there.
        """
        if self.exists(table):
            self._add_columns(table)
            return
        builder = (
            DeltaTable.createIfNotExists(self.spark)
            .location(self.path(table))
            .addColumns(table.schema)
            .comment(table.comment)
        )
        for name, value in table.properties.items():
            builder = builder.property(name, value)
        if table.partition_by:
            builder = builder.partitionedBy(*table.partition_by)
        builder.execute()

    def _add_columns(self, table: Table) -> None:
        known = set(self._log(table).update(False, *self._nothing(2)).schema().fieldNames())
        names = table.schema.names
        news = [
            f"`{field.name}` {field.dataType.simpleString()} COMMENT '{_comment(field)}' "
            + (f"AFTER `{names[at - 1]}`" if at else "FIRST")
            for at, field in enumerate(table.schema)
            if field.name not in known
        ]
        if news:
            self.spark.sql(
                f"ALTER TABLE delta.`{self.path(table)}` ADD COLUMNS ({', '.join(news)})"
            )

    def replace(self, rows: DataFrame, table: Table, *, where: str) -> None:
        """Replace the rows that satisfy ``where`` by ``rows``, in one commit.

        Delta refuses rows that do not satisfy ``where``. Running it twice changes nothing.
        """
        self.create(table)
        (
            conform(rows, table.schema, table=self.path(table))
            .write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", where)
            .save(self.path(table))
        )

    def append(self, rows: DataFrame, table: Table) -> None:
        """Append rows: only for the log of runs, where every call is news."""
        self.create(table)
        (
            conform(rows, table.schema, table=self.path(table))
            .write.format("delta")
            .mode("append")
            .save(self.path(table))
        )

    def upsert(
        self,
        rows: DataFrame,
        table: Table,
        *,
        key: Sequence[str],
        changed: Sequence[str],
        where: str,
        order_by: Sequence[str],
    ) -> None:
        """Update the rows whose ``changed`` columns differ, then append those with new keys.

        Rows that are there already stay as they are, so a repetition writes nothing.

        Parameters
        ----------
        rows : DataFrame
            At most one row per key. Used more than once: persist it.
        key, changed : sequence of str
            Columns that identify a row, and columns that show that it is another version.
        where : str
            A predicate on the table that names the partitions concerned: no others are read.
        order_by : sequence of str
            Order of new rows within the files, which are ranges of it: Delta keeps minimum and
            maximum per file, and a query on these columns skips the files outside.
        """
        self.create(table)
        news = conform(rows, table.schema, table=self.path(table))
        known = (
            self.read(table)
            .where(where)
            .select(*key, *[F.col(c).alias(f"old_{c}") for c in changed])
        )
        compared = news.join(known.withColumn("is_known", F.lit(True)), on=list(key), how="left")
        differs = F.lit(False)
        for column in changed:
            differs = differs | ~F.col(column).eqNullSafe(F.col(f"old_{column}"))
        updates = compared.where(F.col("is_known") & differs).select(*table.schema.names)
        if not updates.isEmpty():
            self._update(updates, table, key=key, where=where)
        fresh = compared.where(F.col("is_known").isNull()).select(*table.schema.names)
        if not fresh.isEmpty():
            self.append(_in_order(fresh, order_by), table)

    def insert_new(
        self, rows: DataFrame, table: Table, *, key: Sequence[str], where: str = "true"
    ) -> int:
        """Append the rows whose key is not in the table yet; returns how many these were.

        One commit, and none if nothing is new. Delta refuses it if another writer added rows to
        the same partitions meanwhile: then the caller's repetition finds them.

        Parameters
        ----------
        rows : DataFrame
            At most one row per key.
        key : sequence of str
            Columns that identify a row.
        where : str
            A predicate on the table that names the partitions concerned: no others are read.
        """
        self.create(table)
        spark = rows.sparkSession
        conform(rows, table.schema, table=self.path(table)).createOrReplaceTempView("news")
        keys = " AND ".join(f"t.{column} = s.{column}" for column in key)
        merged = spark.sql(
            f"MERGE INTO delta.`{self.path(table)}` t USING news s ON ({where}) AND {keys} "
            "WHEN NOT MATCHED THEN INSERT *"
        ).collect()
        return int(merged[0]["num_inserted_rows"])

    def version(self, table: Table) -> int:
        """Number of the table's last commit; -1 if there is no such table."""
        # DeltaTable.history would run a job of Spark for it.
        return int(self._log(table).update(False, *self._nothing(2)).version())

    def begin(self, table: Table) -> Any:
        """A transaction of Delta on the table as it is now, for :meth:`commit_append`."""
        return self._log(table).startTransaction(*self._nothing(2))

    def commit_append(self, transaction: Any, rows: DataFrame) -> int:
        """Append rows that were chosen by what is in the table; returns the version made.

        Parameters
        ----------
        rows : DataFrame
            With exactly the columns of the table.

        Raises
        ------
        delta.exceptions.ConcurrentAppendException
            If such another append has been committed since the transaction began.
        """
        jvm: Any = self.spark._jvm
        transaction.readWholeTable()
        files = transaction.writeFiles(rows._jdf)
        mode = jvm.org.apache.spark.sql.SaveMode.Append
        told = jvm.org.apache.spark.sql.delta.DeltaOperations.Write(mode, *self._nothing(3))
        return int(transaction.commit(files, told))

    def _log(self, table: Table) -> Any:
        jvm: Any = self.spark._jvm
        delta_log = jvm.org.apache.spark.sql.delta.DeltaLog
        return delta_log.forTable(self.spark._jsparkSession, self.path(table))

    def _nothing(self, times: int) -> list[Any]:
        jvm: Any = self.spark._jvm
        return [jvm.scala.Option.empty()] * times

    def _update(self, rows: DataFrame, table: Table, *, key: Sequence[str], where: str) -> None:
        rows.createOrReplaceTempView("updates")
        keys = " AND ".join(f"t.{column} = s.{column}" for column in key)
        self.spark.sql(
            f"MERGE INTO delta.`{self.path(table)}` t USING updates s "
            f"ON ({where.replace('survey', 't.survey').replace('field', 't.field')}) AND {keys} "
            "WHEN MATCHED THEN UPDATE SET *"
        )
        self.spark.catalog.dropTempView("updates")


def _comment(field: StructField) -> str:
    return str(field.metadata["comment"]).replace("\\", "\\\\").replace("'", "\\'")


def _in_order(rows: DataFrame, order_by: Sequence[str]) -> DataFrame:
    return rows.repartitionByRange(*order_by).sortWithinPartitions(*order_by)


def local_frame(
    spark: SparkSession, records: Sequence[Mapping[str, Any]], table: Table
) -> DataFrame:
    """A few rows of a table; keys that are no column are left out.

    From Arrow they are part of the plan; from rows they would be a job of their own.
    """
    rows = pa.Table.from_pylist(list(records), to_arrow_schema(table.schema))
    return spark.createDataFrame(rows, table.schema)


def conform(rows: DataFrame, schema: StructType, *, table: str) -> DataFrame:
    """Exactly the columns of ``schema``, in its order.

    Raises
    ------
    ContractError
        Naming the table and the column that is missing or of another type.
    """
    types = {field.name: field.dataType for field in rows.schema}
    for field in schema:
        if field.name not in types:
            raise ContractError(
                f"{table}: column {field.name!r} is missing; there are: {', '.join(types)}"
            )
        if _loose(types[field.name]) != _loose(field.dataType):
            raise ContractError(
                f"{table}: {field.name} is {types[field.name].simpleString()}, "
                f"expected {field.dataType.simpleString()}"
            )
    return rows if list(types) == schema.names else rows.select(*schema.names)


def _loose(dtype: DataType) -> DataType:
    """The type without the nullability of elements and values, which Arrow does not carry."""
    if isinstance(dtype, MapType):
        return MapType(dtype.keyType, _loose(dtype.valueType), True)
    return ArrayType(_loose(dtype.elementType), True) if isinstance(dtype, ArrayType) else dtype
