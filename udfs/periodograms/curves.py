"""What all periodograms have in common: validation, scaling, the choice of the backend."""

import importlib
from collections.abc import Callable
from typing import cast

import numpy as np

from udfs.devices import check_backend
from udfs.ragged import FloatArray, IntArray, check_offsets

# (time from the first epoch, scaled magnitude, frequencies, numbers of bins) -> periodogram
OneCurve = Callable[..., FloatArray]


def backend_of(algorithm: str, backend: str) -> OneCurve:
    """The function ``one_curve`` of a backend of an algorithm.

    Raises
    ------
    ValueError
        If the backend is unknown. There is no silent fallback.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.
    """
    check_backend(backend)
    module = importlib.import_module(f"udfs.periodograms.{algorithm}.{backend}")
    return cast(OneCurve, module.one_curve)


def check_curves(time: FloatArray, mag: FloatArray, offsets: IntArray, freq: FloatArray) -> None:
    """Raise ValueError unless the arrays describe light curves and frequencies."""
    check_offsets(offsets, time=time, mag=mag)
    if freq.ndim != 1 or not np.all(np.isfinite(freq)) or np.any(freq <= 0):
        raise ValueError(
            f"freq has shape {freq.shape}; expected (n_freq,) positive finite cycles/day"
        )


def scaled_curve(time: FloatArray, mag: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Times from the earliest epoch and magnitudes mapped to [0, 1], both float64.

    The magnitudes are NaN where all are equal: there is nothing to scale by.
    """
    if time.size == 0:
        return np.empty(0), np.empty(0)
    elapsed = np.asarray(time, np.float64) - np.min(time)
    mag = np.asarray(mag, np.float64)
    low, high = np.min(mag), np.max(mag)
    with np.errstate(invalid="ignore"):
        return elapsed, (mag - low) / (high - low)


def each_curve(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    one_curve: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
    min_points: int,
) -> FloatArray:
    """Apply ``one_curve`` to each scaled light curve; NaN for short or constant ones."""
    out = np.full((offsets.size - 1, freq.size), np.nan)
    for i in range(offsets.size - 1):
        curve = slice(offsets[i], offsets[i + 1])
        elapsed, scaled = scaled_curve(time[curve], mag[curve])
        if elapsed.size >= min_points and np.all(np.isfinite(scaled)):
            out[i] = one_curve(elapsed, scaled, freq)
    return out
