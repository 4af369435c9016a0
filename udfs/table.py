"""A Delta table as the code knows it, and its columns with their comments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql.types import DataType, StructField, StructType


@dataclass(frozen=True)
class Table:
    """One Delta table: folder name, columns, and the columns that split it into folders.

    Attributes
    ----------
    properties
        Of Delta, such as ``delta.checkpointInterval``.
    """

    name: str
    schema: StructType
    partition_by: tuple[str, ...]
    comment: str
    properties: Mapping[str, str] = field(default_factory=dict)


def column(name: str, dtype: DataType, comment: str, *, required: bool = False) -> StructField:
    """One column; required ones are never null."""
    return StructField(name, dtype, nullable=not required, metadata={"comment": comment})


def columns(names: Sequence[str], dtype: DataType, comment: str) -> list[StructField]:
    """Columns of one type and meaning."""
    return [column(name, dtype, comment) for name in names]
