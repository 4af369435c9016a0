"""Cost of reading alert packets: ``python benchmarks/alert_decoding.py PACKETS``, one thread.

PACKETS is a folder of ZTF's Avro packets. Ours reads what scoring and features need: identity, the
25 numbers, the history of the light curve, the three stamps. Beside it, in the same run, what is
usually done: fastavro packet by packet, and astropy.io.fits stamp by stamp. Then Spark on two
cores: our decoder in mapInArrow beside from_avro of the JVM, which must hand the stamps to Python
all the same. All ratios are of one run; the fastest of some repetitions counts, taken in turn.
"""

import argparse
import gzip
import io
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
from astropy.io import fits
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from jobs.common.session import open_session
from udfs.alerts.containers import open_container
from udfs.alerts.cutouts import read_triplets
from udfs.alerts.fields import Fields, Kind
from udfs.alerts.packets import decode_packets
from udfs.alerts.ztf import FIELDS, STAMP_PATHS

HISTORY = ("jd", "fid", "magpsf", "sigmapsf", "diffmaglim")
WITH_HISTORY = Fields.of([
    *FIELDS,
    *[(f"prv_candidates.{name}", Kind.HISTORY_NUMBER) for name in HISTORY],
    ("prv_candidates.isdiffpos", Kind.HISTORY_FLAG),
])  # fmt: skip
REPEATS = 7
BATCH = 256
SPARK = ["spark.master=local[2]", f"spark.sql.execution.arrow.maxRecordsPerBatch={BATCH}"]
# Copies of the packets for Spark, and the rounds there.
COPIES, ROUNDS = 12, 6
_TYPES = {
    Kind.NUMBER: "double", Kind.FLAG: "double", Kind.INTEGER: "bigint", Kind.TEXT: "string",
    Kind.BYTES: "binary", Kind.HISTORY_NUMBER: "array<double>", Kind.HISTORY_FLAG: "array<double>",
}  # fmt: skip
COLUMNS = {path: path.replace(".", "_") for path, _ in WITH_HISTORY}


def ours(messages: Sequence[bytes]) -> None:
    """Our decoder, in batches."""
    for start in range(0, len(messages), BATCH):
        decode_packets(messages[start : start + BATCH], WITH_HISTORY)


def row_by_row(messages: Sequence[bytes]) -> None:
    """Every packet whole, its schema parsed anew, as the usual consumers do."""
    for message in messages:
        next(iter(fastavro.reader(io.BytesIO(message))))


@cache
def reader_and_writer(schema: bytes) -> tuple[Any, Any]:
    """One schema with the wanted fields alone, and the writer's."""
    return fastavro.parse_schema(pruned(schema)), fastavro.parse_schema(json.loads(schema))


def pruned(schema: bytes) -> Any:
    """The writer's schema with the wanted fields alone."""
    wanted = {path.split(".")[0]: set[str]() for path, _ in WITH_HISTORY}
    for path, _ in WITH_HISTORY:
        wanted[path.split(".")[0]].add(path.split(".")[-1])
    kept = json.loads(schema)
    kept["fields"] = [f for f in kept["fields"] if f["name"] in wanted]
    for field in kept["fields"]:
        field["type"] = only(field["type"], wanted[field["name"]])
    return kept


def only(schema: Any, names: set[str]) -> Any:
    """A schema whose records keep these fields."""
    if isinstance(schema, list):
        return [only(branch, names) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    if schema["type"] == "record":
        return {**schema, "fields": [f for f in schema["fields"] if f["name"] in names]}
    if schema["type"] == "array":
        return {**schema, "items": only(schema["items"], names)}
    return {**schema, "type": only(schema["type"], names)}


def row_by_row_at_best(messages: Sequence[bytes]) -> None:
    """Fastavro with parsed schemas kept, and only the wanted fields made into objects."""
    for message in messages:
        schema, data, start, stop = open_container(message)
        reader, writer = reader_and_writer(schema)
        fastavro.schemaless_reader(io.BytesIO(data[start:stop]), writer, reader)


def stamps_ours(stamps: Sequence[Sequence[bytes]]) -> None:
    """Three stamps per alert to a normalised triplet."""
    for start in range(0, len(stamps[0]), BATCH):
        read_triplets(*(channel[start : start + BATCH] for channel in stamps))


def stamps_by_astropy(stamps: Sequence[Sequence[bytes]]) -> None:
    """The same with gzip, astropy and the preprocessing of acai/utils.py."""
    for alert in zip(*stamps, strict=True):
        triplet = np.zeros((63, 63, 3))
        for channel, stamp in enumerate(alert):
            with fits.open(io.BytesIO(gzip.decompress(stamp))) as hdus:
                pixels = np.nan_to_num(hdus[0].data)
            pixels = pixels / np.linalg.norm(pixels)
            missing = [(0, 63 - side) for side in pixels.shape]
            triplet[:, :, channel] = np.pad(pixels, missing, constant_values=1e-9)


def in_arrow(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Our decoder as a stage of Spark."""
    for batch in batches:
        packets = decode_packets(batch["value"].to_pylist(), WITH_HISTORY)
        offsets = {path: pa.array(o.astype(np.int32)) for path, o in packets.offsets.items()}
        columns: dict[str, Any] = {
            **{n: pa.array(v, mask=~packets.has_number[n]) for n, v in packets.numbers.items()},
            **{n: pa.array(v, mask=~packets.has_integer[n]) for n, v in packets.integers.items()},
            **packets.texts,
            **{n: pa.array(v, pa.binary()) for n, v in packets.blobs.items()},
            **{n: pa.ListArray.from_arrays(offsets[n.rpartition(".")[0]], v)
               for n, v in packets.history.items()},
        }  # fmt: skip
        yield pa.RecordBatch.from_pydict({COLUMNS[path]: columns[path] for path in COLUMNS})


def by_mapinarrow(messages: DataFrame) -> DataFrame:
    """The wanted fields by our decoder."""
    types = [f"{COLUMNS[path]} {_TYPES[kind]}" for path, kind in WITH_HISTORY]
    return messages.mapInArrow(in_arrow, ", ".join(types))


def by_from_avro(messages: DataFrame, schema: bytes, start: int) -> DataFrame:
    """The wanted fields by the JVM, which can only take containers of one known header."""
    # Behind the record stand the 16 bytes that end a block.
    record = F.expr(f"substring(value, {start + 1}, length(value) - {start + 16})")
    alert = from_avro(record, schema.decode(), {"avroSchema": json.dumps(pruned(schema))})
    wanted = [F.col(f"alert.{path}").alias(name) for path, name in COLUMNS.items()]
    return messages.select(alert.alias("alert")).select(wanted)


def count_stamps(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What networks in Python do first with stamps that the JVM has read."""
    for batch in batches:
        stamps = [batch[COLUMNS[path]].to_pylist() for path in STAMP_PATHS]
        yield pa.RecordBatch.from_pydict({"n": pa.array([len(stamps[0])])})


def in_spark(messages: Sequence[bytes]) -> None:
    """Print what mapInArrow and from_avro read per second, of the packets of one writer."""
    opened = [open_container(m) for m in messages]
    # A compressed record is unpacked, and starts at 0: the JVM's from_avro cannot do that.
    writers = Counter((o.schema, o.start) for o in opened if o.start > 0)
    (schema, start), _ = writers.most_common(1)[0]
    chosen = [o.data for o in opened if (o.schema, o.start) == (schema, start)]
    spark = open_session("alert_decoding", SPARK)
    once = spark.createDataFrame([(m,) for m in chosen], "value binary")
    rows = once.crossJoin(spark.range(COPIES)).select("value").repartition(8).cache()
    n = rows.count()
    ours, by_jvm = by_mapinarrow(rows), by_from_avro(rows, schema, start)
    sums = [F.min("candid"), F.max("candid"), F.round(F.sum("candidate_magpsf"), 3),
            F.sum(F.size("prv_candidates_jd")),
            F.sum(F.length("cutoutScience_stampData"))]  # fmt: skip
    read = [tuple(way.agg(*sums).first()) for way in (ours, by_jvm)]
    if read[0] != read[1]:
        raise SystemExit(f"the two do not read the same: {read}")
    # Only the stamps go on to Python, as for a UDF: all else may stay in the JVM.
    stamps = by_jvm.select([COLUMNS[path] for path in STAMP_PATHS])
    ways = {
        "mapInArrow, ours": ours,
        "from_avro, and the stamps to Python": stamps.mapInArrow(count_stamps, "n bigint"),
        "from_avro alone": by_jvm,
    }
    tasks = [partial(_to_nowhere, way) for way in ways.values()]
    for name, seconds in zip(ways, fastest(*tasks, rounds=ROUNDS), strict=True):
        sys.stdout.write(f"Spark, 2 cores, {n} alerts: {n / seconds:7.0f} alerts/s  {name}\n")


def _to_nowhere(rows: DataFrame) -> None:
    rows.write.format("noop").mode("overwrite").save()


def fastest(*tasks: Callable[[], None], rounds: int = REPEATS) -> list[float]:
    """Seconds of each task: the best of some rounds in which they take turns."""
    best = [float("inf")] * len(tasks)
    for _ in range(rounds):
        for i, task in enumerate(tasks):
            start = time.perf_counter()
            task()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packets", type=Path)
    files = sorted(parser.parse_args(argv).packets.rglob("*.avro"))
    messages = [file.read_bytes() for file in files]
    warnings.simplefilter("ignore")  # ZTF's SIMPLE card stands in the wrong column
    packets = decode_packets(messages, WITH_HISTORY)
    stamps = [packets.blobs[path] for path in STAMP_PATHS]
    stamps_ours(stamps)

    times = fastest(
        lambda: ours(messages),
        lambda: row_by_row(messages),
        lambda: row_by_row_at_best(messages),
        lambda: stamps_ours(stamps),
        lambda: stamps_by_astropy(stamps),
    )
    micro = [1e6 * seconds / len(messages) for seconds in times]
    size = sum(map(len, messages)) / len(messages) / 1e3
    say = sys.stdout.write
    say(f"{len(messages)} packets of {size:.0f} kB on average, microseconds per alert\n")
    say(f"packet: ours {micro[0]:7.1f}   fastavro {micro[1]:7.1f}   {micro[1] / micro[0]:5.1f}x\n")
    say(f"        at its best, schemas kept and fields chosen {micro[2]:7.1f}   ")
    say(f"{micro[2] / micro[0]:5.1f}x\n")
    say(f"stamps: ours {micro[3]:7.1f}   astropy  {micro[4]:7.1f}   {micro[4] / micro[3]:5.1f}x\n")
    both = micro[0] + micro[3], micro[1] + micro[4]
    say(f"both:   ours {both[0]:7.1f}   usual    {both[1]:7.1f}   {both[1] / both[0]:5.1f}x\n")
    say(f"alerts per second and core: {1e6 / both[0]:.0f} against {1e6 / both[1]:.0f}\n")
    in_spark(messages)


if __name__ == "__main__":
    main()
