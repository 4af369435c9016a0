"""Sorted Arrow batches, cut where a key changes instead of where a batch happens to end."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa


def tables_by_key(batches: Iterable[Any], keys: Sequence[str]) -> Iterator[Any]:
    """One table for each run of rows with equal keys.

    Only the rows of one run and of one batch are held at a time. Spark's own grouped functions do
    the same, but the GPU plugin does not know them; it knows ``mapInArrow``.

    Parameters
    ----------
    batches : iterable of pyarrow RecordBatch
        In the order of the keys.
    keys : names of integer columns without null

    Yields
    ------
    pyarrow Table of one chunk
    """
    held: list[Any] = []
    for batch in batches:
        for start, stop in pairwise(_bounds(batch, keys)):
            run = batch.slice(start, stop - start)
            if held and _first(held[0], keys) != _first(run, keys):
                yield pa.Table.from_batches(held).combine_chunks()
                held = []
            held.append(run)
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _bounds(batch: Any, keys: Sequence[str]) -> list[int]:
    """Rows at which a run begins, and the number of rows."""
    if batch.num_rows == 0:
        return []
    changes = np.zeros(batch.num_rows - 1, np.bool_)
    for key in keys:
        changes |= np.diff(batch[key].to_numpy(zero_copy_only=False)) != 0
    return [0, *(1 + np.flatnonzero(changes)).tolist(), batch.num_rows]


def _first(batch: Any, keys: Sequence[str]) -> tuple[int, ...]:
    return tuple(batch[key][0].as_py() for key in keys)
