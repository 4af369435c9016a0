"""The stages of ``fold_night`` on the executors: alerts to epochs, epochs into light curves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from udfs.alerts.photometry import (
    MIN_FORCED_SNR,
    apparent_mags,
    difference_flux,
    distinct_epochs,
    forced_flux,
    mid_exposure_hmjd,
    source_numbers,
)

FloatArray = NDArray[np.float64]
# Who tells of an epoch, the most trusted first: of one exposure, the first one's word counts. What
# an alert says of itself is final; the same detection in the history of later ones, and what is
# stored, are repetitions; forced photometry changes a little with every alert's position.
OWN, STORED, HISTORY, FORCED = range(4)
APPARENT, DIFFERENCE = "apparent", "difference"
ALERT_NUMBERS = ("jd", "fid", "isdiffpos", "magpsf", "sigmapsf", "magnr")
_PREVIOUS = ("jd", "fid", "isdiffpos", "magpsf", "sigmapsf", "magnr")
_FLUXES = ("jd", "fid", "forcediffimflux", "forcediffimfluxunc", "magzpsci", "magnr")
LIST_COLUMNS = (*[f"prv_{name}" for name in _PREVIOUS], *[f"fp_{name}" for name in _FLUXES])

_EPOCHS = {"hmjd": pa.float64(), "mag": pa.float32(), "magerr": pa.float32()}
_RAW = pa.schema([
    ("input_file", pa.string()), ("row", pa.int64()), ("source_id", pa.int64()),
    ("object_id", pa.string()), ("field", pa.int32()), ("ccd", pa.int32()), ("quad", pa.int32()),
    ("filter", pa.string()), ("ra", pa.float64()), ("dec", pa.float64()),
    *[(name, pa.list_(pa.float64())) for name in _EPOCHS],
    ("catflags", pa.list_(pa.int32())),
])  # fmt: skip


@dataclass(frozen=True)
class _Epochs:
    """Epochs of many alerts, flat: the alert's number, filter, time and difference flux."""

    alert: NDArray[np.int64]
    fid: FloatArray
    jd: FloatArray
    flux: FloatArray
    flux_err: FloatArray
    magnr: FloatArray
    told: NDArray[np.int64]


def epochs_of_alerts(alerts: DataFrame) -> DataFrame:
    """What each alert tells of each filter: raw light curves as ``jobs.ingest.checked`` reads them.

    One row per alert, filter and teller (the alert itself, its history, forced photometry), with
    the teller in ``catflags`` and candid as ``row``.

    Parameters
    ----------
    alerts : DataFrame
        candid, objectId, night, source_ra, source_dec, apparent (whether the reference shows the
        source), ``ALERT_NUMBERS`` and ``LIST_COLUMNS``.
    """

    def tell(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            if batch.num_rows:
                yield from _raw_curves(batch)

    return alerts.mapInArrow(tell, from_arrow_schema(_RAW))


def _raw_curves(batch: Any) -> Iterator[Any]:
    told = [_own(batch), _history(batch), _forced(batch)]
    epochs = _Epochs(*[np.concatenate(parts) for parts in zip(*map(_arrays, told), strict=True)])
    apparent = np.asarray(batch["apparent"])[epochs.alert]
    reference = np.where(apparent, _reference(batch, epochs), np.inf)
    mag, mag_err = apparent_mags(epochs.flux, epochs.flux_err, reference)
    # A forced flux is a measurement, a magnitude only if something is there.
    insignificant = ~(mag_err * MIN_FORCED_SNR < 2.5 / np.log(10.0))
    keep = np.flatnonzero(~((epochs.told == FORCED) & insignificant))
    ra, dec = _numbers(batch, "source_ra"), _numbers(batch, "source_dec")
    hmjd = mid_exposure_hmjd(epochs.jd, ra[epochs.alert], dec[epochs.alert])

    # NaN, a filter that is missing, sorts behind all others and is equal to none.
    fid = np.nan_to_num(epochs.fid, nan=-1.0)
    keep = keep[np.lexsort((fid[keep], epochs.told[keep], epochs.alert[keep]))]
    piece = np.stack([epochs.alert, epochs.told, fid])[:, keep]
    starts = np.flatnonzero((np.diff(piece, axis=1, prepend=np.nan) != 0).any(axis=0))
    offsets = pa.array(np.append(starts, keep.size).astype(np.int32))
    alert, filters = piece[0, starts].astype(np.int64), piece[2, starts].astype(np.int64)
    rows = batch.select(["candid", "objectId", "night", "apparent"]).take(pa.array(alert))
    names = rows["objectId"].to_pylist()
    nothing = pa.array(np.zeros(starts.size, dtype=np.int32))
    columns = {
        "input_file": pa.array(_origins(rows)),
        "row": rows["candid"],
        # A filter beyond the survey's is refused by its name.
        "source_id": pa.array(source_numbers(names, np.clip(filters, 0, 9))),
        "object_id": rows["objectId"],
        "field": pa.nulls(starts.size, pa.int32()),
        "ccd": nothing,
        "quad": nothing,
        "filter": pa.array([str(f) for f in filters.tolist()]),
        "ra": pa.array(ra[alert]),
        "dec": pa.array(dec[alert]),
        "hmjd": _lists(offsets, hmjd[keep]),
        "mag": _lists(offsets, mag[keep]),
        "magerr": _lists(offsets, mag_err[keep]),
        "catflags": _lists(offsets, epochs.told[keep].astype(np.int32)),
    }
    arrays = [columns[field.name] for field in _RAW]
    yield pa.RecordBatch.from_arrays(arrays, schema=_RAW)


def _own(batch: Any) -> _Epochs:
    values = {name: _numbers(batch, name) for name in ALERT_NUMBERS}
    flux, err = difference_flux(values["magpsf"], values["sigmapsf"], values["isdiffpos"])
    alert = np.arange(batch.num_rows)
    return _Epochs(alert, values["fid"], values["jd"], flux, err, values["magnr"],
                   np.full(alert.size, OWN))  # fmt: skip


def _history(batch: Any) -> _Epochs:
    values, alert = _elements(batch, "prv_", _PREVIOUS)
    # The others are upper limits.
    seen = np.isfinite(values["magpsf"])
    values, alert = {name: v[seen] for name, v in values.items()}, alert[seen]
    flux, err = difference_flux(values["magpsf"], values["sigmapsf"], values["isdiffpos"])
    return _Epochs(alert, values["fid"], values["jd"], flux, err, values["magnr"],
                   np.full(alert.size, HISTORY))  # fmt: skip


def _forced(batch: Any) -> _Epochs:
    values, alert = _elements(batch, "fp_", _FLUXES)
    flux, err = forced_flux(
        values["forcediffimflux"], values["forcediffimfluxunc"], values["magzpsci"]
    )
    return _Epochs(alert, values["fid"], values["jd"], flux, err, values["magnr"],
                   np.full(alert.size, FORCED))  # fmt: skip


def _reference(batch: Any, epochs: _Epochs) -> FloatArray:
    """Magnitude of the reference: the epoch's own, or the alert's in the same filter, or NaN."""
    alert_fid, alert_magnr = (_numbers(batch, name)[epochs.alert] for name in ("fid", "magnr"))
    instead = np.where(epochs.fid == alert_fid, alert_magnr, np.nan)
    magnr = np.where(epochs.magnr > 0, epochs.magnr, instead)
    return np.where(magnr > 0, magnr, np.nan)


def _origins(rows: Any) -> list[str]:
    nights, apparent = rows["night"].to_pylist(), rows["apparent"].to_pylist()
    return [
        f"scored_alerts/night={night}/{APPARENT if whole else DIFFERENCE}"
        for night, whole in zip(nights, apparent, strict=True)
    ]


def merged_curves(curves: DataFrame) -> DataFrame:
    """Each light curve with the epochs that it has and those that are told of it.

    Columns of the result: all of ``curves`` but ``told``, ``n_epochs`` and the arrays of epochs,
    and ``n_stored``, ``n_out`` (exposures that are told of), ``n_duplicates`` (told again).

    Parameters
    ----------
    curves : DataFrame
        ``told``: lists of structs of the arrays hmjd, mag, magerr, catflags (who tells);
        ``old_hmjd, old_mag, old_magerr``: what is stored, null if nothing is.
    """
    kept = [f for f in curves.schema if f.name not in ("told", "old_hmjd", "old_mag", "old_magerr")]
    counts = "n_epochs int, n_stored int, n_out int, n_duplicates int"
    arrays = "hmjd array<double>, mag array<float>, magerr array<float>, catflags array<int>"
    schema = ", ".join([*[f"`{f.name}` {f.dataType.simpleString()}" for f in kept], counts, arrays])

    def merge(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            if batch.num_rows:
                yield _merge_batch(batch, [f.name for f in kept])

    return curves.mapInArrow(merge, schema)


def _merge_batch(batch: Any, kept: list[str]) -> Any:
    told, curve_told = _flat_told(batch["told"])
    old = {name: _flat(batch[f"old_{name}"])[0] for name in _EPOCHS}
    curve_old = _flat(batch["old_hmjd"])[1]
    epochs = {name: np.concatenate([told[name], old[name]]) for name in _EPOCHS}
    rank = np.concatenate([told["catflags"], np.full(curve_old.size, STORED)]).astype(np.int64)
    curve = np.concatenate([curve_told, curve_old])
    chosen, exposure = distinct_epochs(epochs["hmjd"], curve, rank)

    n_told = np.bincount(curve_told, minlength=batch.num_rows)
    told_of = np.zeros(chosen.size, dtype=np.bool_)
    told_of[exposure[: curve_told.size]] = True
    n_out = np.bincount(curve[chosen[told_of]], minlength=batch.num_rows)
    n_epochs = np.bincount(curve[chosen], minlength=batch.num_rows)
    offsets = pa.array(np.append(0, np.cumsum(n_epochs)).astype(np.int32))
    columns = {name: batch[name] for name in kept} | {
        "n_epochs": _int32(n_epochs),
        "n_stored": _int32(np.bincount(curve_old, minlength=batch.num_rows)),
        "n_out": _int32(n_out),
        "n_duplicates": _int32(n_told - n_out),
        **{
            name: pa.ListArray.from_arrays(offsets, pa.array(epochs[name][chosen], dtype))
            for name, dtype in _EPOCHS.items()
        },
        "catflags": pa.ListArray.from_arrays(offsets, _int32(np.zeros(chosen.size))),
    }
    return pa.RecordBatch.from_pydict(columns)


def _flat_told(column: Any) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Lists of structs of lists -> flat values by name, and the row of each."""
    pieces, row_of_piece = column.flatten(), _row_of_elements(column)
    values = {}
    curve = np.array([], dtype=np.int64)
    for name in (*_EPOCHS, "catflags"):
        values[name], piece = _flat(pieces.field(name))
        curve = row_of_piece[piece]
    return values, curve


def _elements(
    batch: Any, prefix: str, names: tuple[str, ...]
) -> tuple[dict[str, FloatArray], NDArray[np.int64]]:
    values = {name: _flat(batch[f"{prefix}{name}"])[0] for name in names}
    return values, _row_of_elements(batch[f"{prefix}jd"])


def _flat(column: Any) -> tuple[FloatArray, NDArray[np.int64]]:
    """The elements of a list column, NaN for null, and the row of each."""
    return np.asarray(column.flatten(), dtype=np.float64), _row_of_elements(column)


def _row_of_elements(column: Any) -> NDArray[np.int64]:
    sizes = np.asarray(column.value_lengths().fill_null(0), dtype=np.int64)
    return np.repeat(np.arange(len(column)), sizes)


def _numbers(batch: Any, name: str) -> FloatArray:
    """A column of numbers or booleans, NaN for null."""
    return np.asarray(batch[name].cast(pa.float64()))


def _lists(offsets: Any, values: NDArray[Any]) -> Any:
    return pa.ListArray.from_arrays(offsets, pa.array(values))


def _int32(values: NDArray[Any]) -> Any:
    return pa.array(values.astype(np.int32))


def _arrays(epochs: _Epochs) -> list[NDArray[Any]]:
    return list(vars(epochs).values())
