"""Split quadrants into ranges of stars, simulate them on the executors, write their files.

Files are written by the tasks with pyarrow, not by Spark: the bulk files of the ZTF data
releases have unsigned columns, which Spark has not, and a name that says what they hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from udfs.errors import ContractError
from udfs.simulator import QuadrantSpec, simulate_stars
from udfs.simulator.sky import field_centre
from udfs.simulator.spec import FILTER_IDS

COUNTS = StructType([
    StructField("class", StringType(), nullable=False),
    StructField("stars", LongType(), nullable=False),
    StructField("light_curves", LongType(), nullable=False),
])  # fmt: skip
LIGHT_CURVES, TRUTH = "light_curves", "truth.parquet"
_MARK = "_sim_"


@dataclass(frozen=True)
class StarRange:
    """What one task simulates: stars ``first`` to ``last - 1``."""

    spec: QuadrantSpec
    first: int
    last: int


def star_ranges(specs: Sequence[QuadrantSpec], stars_per_task: int) -> list[StarRange]:
    """Ranges that cover all stars of all quadrants.

    Raises
    ------
    ContractError
        If a field has no known centre (here, before the first task), or tasks are empty.
    """
    if stars_per_task < 1:
        raise ContractError(f"--stars-per-task {stars_per_task}: expected 1 or more")
    for spec in specs:
        field_centre(spec)
    return [
        StarRange(spec, first, min(first + stars_per_task, spec.n_stars))
        for spec in specs
        for first in range(0, spec.n_stars, stars_per_task)
    ]


def simulate(spark: SparkSession, ranges: Sequence[StarRange], output: str) -> DataFrame:
    """Write all ranges under ``output``; one row per class with what was written."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column("id").to_pylist():
                yield write_range(ranges[task], output)

    tasks = spark.range(len(ranges), numPartitions=max(len(ranges), 1))
    counts = tasks.mapInArrow(write, COUNTS)
    return (
        counts.groupBy("class")
        .agg(F.sum("stars").alias("stars"), F.sum("light_curves").alias("light_curves"))
        .orderBy("class")
    )


def write_range(work: StarRange, output: str) -> pa.RecordBatch:
    """Simulate and write one range; its counts per class, in the columns of ``COUNTS``."""
    spec = work.spec
    stars = simulate_stars(spec, work.first, work.last)
    channel = f"c{spec.ccd:02d}_q{spec.quad}{_MARK}{work.first:08d}.parquet"
    for band, filter_id in FILTER_IDS.items():
        own = stars.light_curves.filter(pc.field("filterid") == filter_id)
        if own.num_rows:
            _write(own, f"{output}/{LIGHT_CURVES}/ztf_{spec.field:06d}_z{band}_{channel}")
    _write(stars.truth, f"{output}/{TRUTH}/ztf_{spec.field:06d}_{channel}")
    number = pc.subtract(stars.truth["source_id"], pc.multiply(stars.truth["filter"], 10**11))
    counted = (
        stars.truth.append_column("star", number)
        .group_by("class")
        .aggregate([("star", "count_distinct"), ("source_id", "count")])
    )
    return pa.RecordBatch.from_arrays(
        [
            counted[name].combine_chunks()
            for name in ("class", "star_count_distinct", "source_id_count")
        ],
        names=COUNTS.names,
    )


def remove_earlier_run(output: str) -> int:
    """Delete the files of an earlier simulation in this folder, and no others; how many."""
    system, root = _open(output)
    n_removed = 0
    for folder in (LIGHT_CURVES, TRUTH):
        selector = fs.FileSelector(f"{root}/{folder}", allow_not_found=True)
        for info in system.get_file_info(selector):
            if info.is_file and info.base_name.startswith("ztf_") and _MARK in info.base_name:
                system.delete_file(info.path)
                n_removed += 1
    return n_removed


def _write(table: pa.Table, path: str) -> None:
    """Write a file whole: a task that is killed or run twice leaves no half file."""
    system, where = _open(path)
    system.create_dir(where.rsplit("/", 1)[0], recursive=True)
    # Lists as in the releases, whose items are called "item".
    pq.write_table(table, f"{where}.partial", filesystem=system, use_compliant_nested_type=False)
    system.move(f"{where}.partial", where)


def _open(path: str) -> tuple[fs.FileSystem, str]:
    if "://" in path:
        # pyarrow calls s3 what Hadoop calls s3a.
        found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(path.replace("s3a://", "s3://"))
        return found
    return fs.LocalFileSystem(), str(Path(path).absolute())
