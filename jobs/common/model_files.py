"""Model sets in the warehouse: their folder, on any Hadoop path."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from jobs.common import files
from jobs.common.tables import Warehouse


@dataclass(frozen=True)
class WarehouseFiles:
    """The folder ``models`` of a warehouse, on any Hadoop path."""

    spark: SparkSession
    root: str

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return files.read_bytes(self.spark, f"{self.root}/{path}")

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file."""
        files.write_bytes(self.spark, f"{self.root}/{path}", content)

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty if there is no such folder."""
        return files.list_folder(self.spark, f"{self.root}/{folder}")


def model_files(warehouse: Warehouse) -> WarehouseFiles:
    """Where the models of a warehouse are."""
    return WarehouseFiles(warehouse.spark, f"{warehouse.root.rstrip('/')}/models")
