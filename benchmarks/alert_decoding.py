"""Cost of reading alert packets: ``python benchmarks/alert_decoding.py PACKETS``, one thread.

PACKETS is a folder of ZTF's Avro packets. Ours reads what scoring and features need: identity, the
25 numbers, the history of the light curve, the three stamps. Beside it, in the same run, what is
usually done: fastavro packet by packet, and astropy.io.fits stamp by stamp. All ratios are of one
run; the fastest of some repetitions counts, taken in turn.
"""

import argparse
import gzip
import io
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from astropy.io import fits

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
    """The parsed schema of the writer, and one with the wanted fields alone."""
    wanted = {path.split(".")[0]: set[str]() for path, _ in WITH_HISTORY}
    for path, _ in WITH_HISTORY:
        wanted[path.split(".")[0]].add(path.split(".")[-1])
    pruned = json.loads(schema)
    pruned["fields"] = [f for f in pruned["fields"] if f["name"] in wanted]
    for field in pruned["fields"]:
        field["type"] = only(field["type"], wanted[field["name"]])
    return fastavro.parse_schema(pruned), fastavro.parse_schema(json.loads(schema))


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


def fastest(*tasks: Callable[[], None]) -> list[float]:
    """Seconds of each task: the best of some rounds in which they take turns."""
    best = [float("inf")] * len(tasks)
    for _ in range(REPEATS):
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


if __name__ == "__main__":
    main()
