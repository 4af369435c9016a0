"""Small files on any Hadoop path, through the file system that Spark already speaks."""

from typing import Any

from pyspark.sql import SparkSession

from udfs.errors import ContractError


def read_bytes(spark: SparkSession, path: str) -> bytes:
    """The content of a file; ContractError if there is none."""
    system, where = _open(spark, path)
    if not system.exists(where):
        raise ContractError(f"{path} does not exist")
    stream = system.open(where)
    try:
        content: bytes = bytes(_jvm(spark).org.apache.commons.io.IOUtils.toByteArray(stream))
    finally:
        stream.close()
    return content


def write_bytes(spark: SparkSession, path: str, content: bytes) -> None:
    """Write a file whole: under a name of its own first, then renamed over the old one."""
    system, where = _open(spark, path)
    _, partial = _open(spark, f"{path}.partial")
    stream = system.create(partial, True)
    try:
        stream.write(bytearray(content))
    finally:
        stream.close()
    system.delete(where, False)
    if not system.rename(partial, where):
        raise OSError(f"{path}: could not be renamed from {path}.partial")


def exists(spark: SparkSession, path: str) -> bool:
    """Whether there is a file or folder of that name."""
    system, where = _open(spark, path)
    return bool(system.exists(where))


def remove_folder(spark: SparkSession, path: str) -> None:
    """Remove a folder and all below it, if it is there."""
    system, where = _open(spark, path)
    system.delete(where, True)


def list_folder(spark: SparkSession, path: str) -> list[str]:
    """Names in a folder, sorted; empty if there is no such folder."""
    system, where = _open(spark, path)
    if not system.exists(where):
        return []
    return sorted(status.getPath().getName() for status in system.listStatus(where))


def list_files(spark: SparkSession, path: str, *, suffix: str) -> list[str]:
    """The file itself, or all files under a folder whose name ends in ``suffix``, sorted.

    A glob such as ``data/*/ztf_*.parquet`` works as well.

    Raises
    ------
    ContractError
        If nothing is there.
    """
    system, where = _open(spark, path)
    found: list[str] = []
    for status in system.globStatus(where) or []:
        if status.isFile():
            found.append(status.getPath().toString())
            continue
        files = system.listFiles(status.getPath(), True)
        while files.hasNext():
            name = files.next().getPath().toString()
            if name.endswith(suffix):
                found.append(name)
    if not found:
        raise ContractError(f"{path}: no file ending in {suffix} is there")
    return sorted(found)


def file_size(spark: SparkSession, path: str) -> int:
    """Bytes in a file."""
    system, where = _open(spark, path)
    return int(system.getFileStatus(where).getLen())


def modified(spark: SparkSession, path: str) -> int:
    """Time of the last change [ms since 1970]."""
    system, where = _open(spark, path)
    return int(system.getFileStatus(where).getModificationTime())


def _jvm(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm


def _open(spark: SparkSession, path: str) -> tuple[Any, Any]:
    where = _jvm(spark).org.apache.hadoop.fs.Path(path)
    return where.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()), where
