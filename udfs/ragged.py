"""Ragged arrays: an Arrow list column as flat values and offsets, and back."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ArrowColumn = Any  # pyarrow.Array or pyarrow.ChunkedArray; pyarrow ships no types


def from_arrow(column: ArrowColumn, *, name: str) -> tuple[FloatArray, IntArray]:
    """Flat values and offsets of a list column of numbers.

    Parameters
    ----------
    column : pyarrow Array or ChunkedArray of ``list`` or ``large_list`` of a number type
        May be a slice. Row ``i`` owns ``values[offsets[i]:offsets[i + 1]]``.
    name : str
        Name of the column, for the messages.

    Returns
    -------
    values : (n_values,) float64
    offsets : (n_rows + 1,) int64
        Starts at 0. Both arrays may be read-only.

    Raises
    ------
    TypeError
        If the column is no list of numbers.
    ValueError
        If a row or a value is null: a missing value has no place in a sum.
    """
    array = _one_chunk(column)
    _check_type(array.type, name)
    if array.null_count:
        row = array.is_null().index(pa.scalar(True)).as_py()
        raise ValueError(
            f"{name}: row {row} is null ({array.null_count} of {len(array)} rows are); "
            "expected a list in every row; drop these rows first"
        )
    if len(array) == 0:
        return np.empty(0), np.zeros(1, np.int64)
    offsets = array.offsets.to_numpy().astype(np.int64)
    values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    if values.null_count:
        raise ValueError(
            f"{name}: {values.null_count} of {len(values)} values inside the lists are null; "
            "expected numbers only; drop these epochs first"
        )
    return values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False), offsets - offsets[
        0
    ]


def to_arrow(values: npt.NDArray[Any], offsets: IntArray, *, value_type: Any) -> ArrowColumn:
    """A ``list<value_type>`` array from flat values and offsets that start at 0."""
    if offsets[-1] > np.iinfo(np.int32).max:
        raise ValueError(
            f"{offsets[-1]} values do not fit the 32-bit offsets of one Arrow list array; "
            "split the batch"
        )
    return pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)), pa.array(values, type=value_type)
    )


def check_offsets(offsets: IntArray, **arrays: npt.NDArray[Any]) -> None:
    """Raise ValueError unless the offsets cut each of the named flat arrays into curves."""
    if offsets.ndim != 1 or offsets.size == 0 or offsets[0] != 0 or np.any(np.diff(offsets) < 0):
        raise ValueError(
            f"offsets {offsets!r} do not cut an array into curves; expected (n_lc + 1,) "
            "integers that start at 0 and never decrease"
        )
    for name, array in arrays.items():
        if array.shape != (offsets[-1],):
            raise ValueError(
                f"{name} has shape {array.shape}, but offsets end at {offsets[-1]}; "
                "both must describe the same light curves"
            )


def _one_chunk(column: ArrowColumn) -> ArrowColumn:
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _check_type(found: Any, name: str) -> None:
    is_list = pa.types.is_list(found) or pa.types.is_large_list(found)
    if not is_list or not (
        pa.types.is_floating(found.value_type) or pa.types.is_integer(found.value_type)
    ):
        raise TypeError(f"{name} is {found}, expected a list of numbers such as list<double>")


def take_rows(offsets: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Positions of the values of some rows, and the offsets of these rows among themselves.

    Parameters
    ----------
    offsets : (n_rows + 1,) int64
    rows : (n_taken,) int64
        In any order.
    """
    sizes = np.diff(offsets)[rows]
    taken = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    positions = np.arange(taken[-1]) + np.repeat(offsets[rows] - taken[:-1], sizes)
    return positions, taken
