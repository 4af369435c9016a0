"""Phases on the device, to the last bit those of the CPU: device functions for the kernels."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import config, cuda, float32
from numba.cuda import libdevice

from udfs.devices import blocks_for
from udfs.ragged import FloatArray

THREADS = 128

# The compiler may fuse f * t into the subtraction that follows. That leaves phases just below 0,
# and epochs in another bin than on the CPU: dmul_rn is a product that is never fused.
if config.ENABLE_CUDASIM:

    def _product(freq: float, elapsed: float) -> float:
        return freq * elapsed

    def _floor(cycles: float) -> float:
        return float(math.floor(cycles))

    _product, _floor = cuda.jit(device=True)(_product), cuda.jit(device=True)(_floor)
else:
    _product, _floor = libdevice.dmul_rn, libdevice.floor


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def phase_at(freq: float, elapsed: float) -> float:
    """Phase in [0, 1)."""
    cycles = _product(freq, elapsed)
    return cycles - _floor(cycles)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def phase_bin(freq: float, elapsed: float, phase_bins: int) -> int:
    """Phase bin in 0 .. phase_bins - 1."""
    cycles = _product(freq, elapsed)
    return min(int((cycles - _floor(cycles)) * phase_bins), phase_bins - 1)


def waves(time: Any, freq: FloatArray, *, group: int) -> Any:
    """Cosines and sines of the phases, from phases in double precision.

    Parameters
    ----------
    time : (n_exposures,) float64 on the device, days
    freq : (n_freq,) float64, cycles/day; at least one
    group : int
        Frequencies that a thread reads together.

    Returns
    -------
    (n_exposures, n_groups, 2, group) float32 on the device
        The cosines of a group, then its sines; those beyond the frequencies are of frequency 0.
    """
    groups = blocks_for(freq.size, group)
    padded = np.zeros(groups * group)
    padded[: freq.size] = freq
    trig = cuda.device_array((time.size, groups, 2, group), np.float32)
    grid = (blocks_for(padded.size, THREADS), time.size)
    _waves[grid, THREADS](time, cuda.to_device(padded), trig)
    return trig


@cuda.jit  # type: ignore[untyped-decorator]
def _waves(time: Any, freq: Any, trig: Any) -> None:
    f, k = cuda.grid(1), cuda.blockIdx.y
    if f < freq.size:
        group = trig.shape[3]
        angle = float32(2.0 * math.pi * phase_at(freq[f], time[k]))
        trig[k, f // group, 0, f % group] = math.cos(angle)
        trig[k, f // group, 1, f % group] = math.sin(angle)


def padded(values: npt.NDArray[Any], *, multiple: int) -> npt.NDArray[np.float32]:
    """As float32, with columns of zeros up to a multiple of so many."""
    columns = blocks_for(values.shape[-1], multiple) * multiple
    out = np.zeros((*values.shape[:-1], columns), np.float32)
    out[..., : values.shape[-1]] = values
    return out
