import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


def _hash_of_kernels() -> str:
    sources = sorted(p for folder in ("udfs", "models") for p in (PROJECT / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:16]


# numba does not see that a function compiled into another file has changed: one cache per
# version of the kernels, set before anything imports them.
os.environ["NUMBA_CACHE_DIR"] = f"{tempfile.gettempdir()}/lambdasky-numba-{_hash_of_kernels()}"

from pyspark.sql import SparkSession  # noqa: E402

from jobs.common.session import open_session  # noqa: E402
from jobs.common.tables import Warehouse  # noqa: E402


def _folder(variable: str, beside: str) -> Path:
    folder = Path(os.environ.get(variable, PROJECT.parent / "shared" / beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set {variable} to the folder of the real {beside}")
    return folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real light curves."""
    return _folder("LAMBDASKY_DATA", "data")


@pytest.fixture(scope="session")
def oracle_dir() -> Path:
    """Expected values from independent code."""
    return _folder("LAMBDASKY_ORACLE", "oracle")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session per test run, on two cores."""
    session = open_session("tests", ["spark.master=local[2]", "spark.sql.shuffle.partitions=2"])
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(spark, str(tmp_path / "warehouse"))
