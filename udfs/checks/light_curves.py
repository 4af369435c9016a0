"""Raw light curves in, light curves fit for the warehouse out, each with what was wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.checks.epochs import Bounds, epoch_problems, sort_epochs
from udfs.checks.reasons import (
    BAD_POSITION,
    BAD_QUADRANT,
    EPOCH_REASONS,
    MISSING_ARRAY,
    MISSING_ID,
    NO_EPOCHS,
    NO_USABLE_EPOCHS,
    UNEQUAL_LENGTHS,
    UNKNOWN_FILTER,
    Reason,
)

EPOCH_COLUMNS = ("hmjd", "mag", "magerr", "catflags")
_EPOCH_TYPES = (pa.float64(), pa.float32(), pa.float32(), pa.int32())

PROBLEM = pa.struct(
    [
        ("extent", pa.string()),
        ("reason", pa.string()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("expected", pa.string()),
        ("n_epochs", pa.int32()),
        *[(name, pa.list_(dtype)) for name, dtype in zip(EPOCH_COLUMNS, _EPOCH_TYPES, strict=True)],
    ]
)


@dataclass(frozen=True)
class Checked:
    """What became of a batch of light curves.

    Attributes
    ----------
    keep : (n_lc,) bool
        Whether the light curve goes on.
    epochs : dict of str to pyarrow list arrays of n_lc rows
        The usable epochs in order of time; empty lists where ``keep`` is false.
    problems : list of n_lc lists of dict
        Records for the quarantine, in the form of ``PROBLEM``.
    n_epochs_in : (n_lc,) int64
        Epochs that came in, also of light curves that are out (the longest array if they differ).
    """

    keep: NDArray[np.bool_]
    epochs: Mapping[str, Any]
    problems: list[list[dict[str, Any]]]
    n_epochs_in: NDArray[np.int64]


def check_light_curves(batch: Any, filters: Mapping[str, int], bounds: Bounds) -> Checked:
    """Check every light curve of a batch; nothing raises, nothing is lost.

    Parameters
    ----------
    batch : pyarrow.Table
        Columns ``source_id, filter (text), ccd, quad, ra, dec`` and the four arrays
        ``hmjd, mag, magerr, catflags`` with double, double, double, int elements.
    filters : mapping
        Known filter names -> filter numbers.
    bounds : Bounds
        What can be a time and a magnitude.
    """
    lengths = np.stack([_lengths(batch[name]) for name in EPOCH_COLUMNS])
    whole = _whole_curve_problems(batch, filters, lengths)
    usable = np.array([reason is None for reason, _ in whole])
    rows = np.flatnonzero(usable)
    epochs, epoch_notes, left = _check_epochs(batch.take(pa.array(rows)), bounds)

    keep = usable.copy()
    keep[rows] = left > 0
    problems: list[list[dict[str, Any]]] = [[] for _ in range(len(keep))]
    for row in np.flatnonzero(~usable):
        reason, value = whole[row]
        assert reason is not None
        problems[row] = [_whole_record(batch, int(row), reason, value)]
    for i, row in enumerate(rows):
        if left[i] == 0:
            found = epoch_notes[i][0]
            value = f"{found['reason']}: {found['value']}"
            problems[row] = [_whole_record(batch, int(row), NO_USABLE_EPOCHS, value)]
        else:
            problems[row] = epoch_notes[i]
    return Checked(keep, _spread(epochs, rows, keep), problems, lengths.max(axis=0))


def _whole_curve_problems(
    batch: Any, filters: Mapping[str, int], lengths: NDArray[np.int64]
) -> list[tuple[Reason | None, str]]:
    """The first reason, if any, for which each light curve as a whole cannot be used."""
    light = batch.select(["source_id", "filter", "ccd", "quad", "ra", "dec"]).to_pylist()
    problems: list[tuple[Reason | None, str]] = []
    for row, size in zip(light, lengths.T, strict=True):
        ra, dec, ccd, quad = row["ra"], row["dec"], row["ccd"], row["quad"]
        if row["source_id"] is None:
            problems.append((MISSING_ID, "null"))
        elif row["filter"] not in filters:
            problems.append((UNKNOWN_FILTER, str(row["filter"])))
        elif ccd is None or not (ccd == quad == 0 or (1 <= ccd <= 16 and 1 <= quad <= 4)):
            problems.append((BAD_QUADRANT, f"ccd={ccd}, quad={quad}"))
        elif (ra is None) != (dec is None) or (
            ra is not None and not (0 <= ra < 360 and -90 <= dec <= 90)
        ):
            problems.append((BAD_POSITION, f"ra={ra}, dec={dec}"))
        elif size.min() < 0:
            missing = [n for n, s in zip(EPOCH_COLUMNS, size, strict=True) if s < 0]
            problems.append((MISSING_ARRAY, f"{', '.join(missing)} null"))
        elif size.min() != size.max():
            sizes = ", ".join(f"{n} {s}" for n, s in zip(EPOCH_COLUMNS, size, strict=True))
            problems.append((UNEQUAL_LENGTHS, sizes))
        elif size[0] == 0:
            problems.append((NO_EPOCHS, "0 epochs"))
        else:
            problems.append((None, ""))
    return problems


def _check_epochs(
    batch: Any, bounds: Bounds
) -> tuple[dict[str, Any], list[list[dict[str, Any]]], NDArray[np.int64]]:
    """Usable epochs, records of the others, and how many are left, of sound light curves."""
    offsets = np.concatenate([[0], np.cumsum(_lengths(batch["hmjd"]))])
    curve = np.repeat(np.arange(batch.num_rows), np.diff(offsets))
    flat = {name: _flat(batch[name]) for name in EPOCH_COLUMNS}
    order = sort_epochs(flat["hmjd"], curve)
    flat = {name: values[order] for name, values in flat.items()}

    problem = epoch_problems(flat["hmjd"], flat["mag"], flat["magerr"], curve, bounds=bounds)
    good = problem < 0
    left = np.bincount(curve[good], minlength=batch.num_rows)
    bounds_of = np.concatenate([[0], np.cumsum(left)]).astype(np.int32)
    epochs = {
        name: pa.ListArray.from_arrays(
            pa.array(bounds_of), pa.array(flat[name][good].astype(dtype.to_pandas_dtype()))
        )
        for name, dtype in zip(EPOCH_COLUMNS, _EPOCH_TYPES, strict=True)
    }
    notes: list[list[dict[str, Any]]] = [[] for _ in range(batch.num_rows)]
    for i in np.unique(curve[~good]):
        mine = slice(offsets[i], offsets[i + 1])
        for number in np.unique(problem[mine][problem[mine] >= 0]):
            out = np.flatnonzero(problem[mine] == number) + offsets[i]
            notes[i].append(_epoch_record(flat, out, EPOCH_REASONS[number]))
    return epochs, notes, left


def _epoch_record(
    flat: Mapping[str, NDArray[Any]], out: NDArray[np.int64], reason: Reason
) -> dict[str, Any]:
    value = flat[reason.column][out[0]]
    return {
        "extent": "epoch",
        **_described(reason, repr(value.item())),
        "n_epochs": len(out),
        **{name: values[out].tolist() for name, values in flat.items()},
    }


def _whole_record(batch: Any, row: int, reason: Reason, value: str) -> dict[str, Any]:
    arrays = {name: batch[name][row].as_py() for name in EPOCH_COLUMNS}
    return {
        "extent": "light_curve",
        **_described(reason, value),
        "n_epochs": max((len(v) for v in arrays.values() if v is not None), default=0),
        **arrays,
    }


def _described(reason: Reason, value: str) -> dict[str, str]:
    return {
        "reason": reason.name,
        "column": reason.column,
        "value": value,
        "expected": reason.expected,
    }


def _lengths(column: Any) -> NDArray[np.int64]:
    """Length of each list; -1 for null."""
    return np.asarray(pc.fill_null(pc.list_value_length(column), -1), dtype=np.int64)


def _flat(column: Any) -> NDArray[Any]:
    """All elements; a null among floats becomes NaN."""
    values = pc.list_flatten(column)
    if pa.types.is_floating(values.type):
        return np.asarray(values, dtype=np.float64)
    return np.asarray(pc.fill_null(values, -1), dtype=np.int64)


def _spread(
    epochs: Mapping[str, Any], rows: NDArray[np.int64], keep: NDArray[np.bool_]
) -> dict[str, Any]:
    """The lists of the checked rows among empty lists for the others."""
    sizes = np.zeros(len(keep), dtype=np.int32)
    sizes[rows] = _lengths(epochs["hmjd"])
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
    return {name: pa.ListArray.from_arrays(offsets, lists.values) for name, lists in epochs.items()}
