"""Trigonometric sums of many sources at any frequency, from matrix products at few.

The sum S(f) = sum over t of d_t exp(-2 pi i f t) over a time span B varies slowly: knowing it at
nodes 1 / (2 B) apart is enough, and a grid of ten points a peak has five times as many. The nodes
are products of a matrix of cosines and sines, which all sources share, with the matrix of the data.
Between the nodes, S is interpolated with the kernel of a non-uniform fast Fourier transform:

    S(f) = sum over nodes n of K(f / step - n) S'(n step),  d'_t = d_t / FT[K](step t),

K(x) = exp(b (sqrt(1 - (2 x / w)^2) - 1)) over w = 8 nodes. The error is some 4e-7 of the root of
the sum of squares, the rounding of single precision.

References
----------
Barnett, Magland and af Klinteberg (2019), SIAM J. Sci. Comput. 41, C479, equations 1.8 and 4.3.
doi:10.1137/18M120885X
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import roots_legendre

from udfs.jit import jit, jit_reordered
from udfs.lanes import load, plus_scaled, store, zeros
from udfs.ragged import FloatArray

Float32Array = npt.NDArray[np.float32]

# Sources whose sums stay in registers together.
TILE = 64
TAPS = 8
_OVERSAMPLING = 2.0
# Equation 4.3 of the paper gives the best shape for this number of taps and oversampling.
_SHAPE = 0.98 * math.pi * TAPS * (1.0 - 0.5 / _OVERSAMPLING)
# Steps between two exact evaluations of a rotation.
_RESEED = 64
_QUADRATURE = 64


@dataclass(frozen=True)
class Waves:
    """Cosines and sines of the shared times at the nodes around a stretch of frequencies.

    Attributes
    ----------
    matrix : (2 * n_nodes, n_exposures) float32
        The cosines, then the sines.
    first : int
        The first node lies at ``first * step_per_day``.
    step_per_day : float, cycles/day
    """

    matrix: Float32Array
    first: int
    step_per_day: float


def node_step(time: FloatArray) -> float:
    """Distance of the nodes for these times [cycles/day]; the times must be centred on 0."""
    return 1.0 / (2.0 * _OVERSAMPLING * max(float(np.max(np.abs(time))), 1e-6))


def kernel_transform(scaled_time: FloatArray) -> FloatArray:
    """Fourier transform of the interpolation kernel at times in units of 1 / step."""
    x, weight = roots_legendre(_QUADRATURE)
    kernel = np.exp(_SHAPE * (np.sqrt(1.0 - x**2) - 1.0)) * weight * (TAPS / 2)
    return np.asarray(kernel @ np.cos(np.pi * TAPS * np.outer(x, scaled_time)))


def tiles_of_columns(values: npt.NDArray[Any]) -> Float32Array:
    """(rows, columns) as (tiles, rows, TILE) in single precision, with 0 beyond the last column."""
    rows, columns = values.shape
    tiles = -(-columns // TILE)
    padded = np.zeros((rows, tiles * TILE), np.float32)
    padded[:, :columns] = values
    return np.ascontiguousarray(padded.reshape(rows, tiles, TILE).transpose(1, 0, 2))


def waves_between(low: float, high: float, time: FloatArray, correction: FloatArray) -> Waves:
    """The waves whose sums allow interpolation at all frequencies from ``low`` to ``high``.

    Parameters
    ----------
    low, high : float, cycles/day
    time : (n_exposures,) float64, days, centred on 0
    correction : (n_exposures,) float64
        ``1 / kernel_transform(node_step(time) * time)``.
    """
    step = node_step(time)
    first = math.floor(low / step) - TAPS // 2 + 1
    n_nodes = math.floor(high / step) + TAPS // 2 - first + 1
    matrix = np.empty((2 * n_nodes, time.size), np.float32)
    _trigonometry(time, correction, first, step, matrix[:n_nodes], matrix[n_nodes:])
    return Waves(matrix, first, step)


@jit
def _trigonometry(
    time: FloatArray,
    correction: FloatArray,
    first: int,
    step: float,
    cosine: Float32Array,
    sine: Float32Array,
) -> None:
    c, s = np.empty(time.size), np.empty(time.size)
    turn_c, turn_s = np.cos(2.0 * np.pi * step * time), np.sin(2.0 * np.pi * step * time)
    for row in range(cosine.shape[0]):
        if row % _RESEED == 0:
            for j in range(time.size):
                cycles = (first + row) * step * time[j]
                angle = 2.0 * math.pi * (cycles - math.floor(cycles))
                c[j], s[j] = math.cos(angle), math.sin(angle)
        for j in range(time.size):
            cosine[row, j] = np.float32(c[j] * correction[j])
            sine[row, j] = np.float32(s[j] * correction[j])
            turned = c[j] * turn_c[j] - s[j] * turn_s[j]
            s[j] = s[j] * turn_c[j] + c[j] * turn_s[j]
            c[j] = turned


@jit
def kernel_weights(freq: float, step: float, weights: Float32Array) -> int:
    """Weights of the TAPS nodes around a frequency; returns the number of the first one."""
    centre = freq / step
    lowest = int(math.floor(centre)) - TAPS // 2 + 1
    for j in range(TAPS):
        x = (centre - (lowest + j)) / (TAPS / 2)
        # Rounding may put the outermost node just beyond the kernel.
        inside = max(1.0 - x * x, 0.0)
        weights[j] = np.float32(math.exp(_SHAPE * (math.sqrt(inside) - 1.0)))
    return lowest


@jit_reordered
def interpolate(nodes: Any, row: int, weights: Any, cosine: Any, sine: Any) -> None:
    """Sums over a tile of sources at one frequency.

    Parameters
    ----------
    nodes : (2 * n_nodes * TILE,) float32
        The product of the waves and the tile, flat.
    row : int
        Node of the first weight.
    weights : (TAPS,) float32
    cosine, sine : (TILE,) float32
        Receive the sums.
    """
    half = nodes.size // 2
    cos_sum, sin_sum = zeros(nodes, TILE), zeros(nodes, TILE)
    for j in range(TAPS):
        start = (row + j) * TILE
        cos_sum = plus_scaled(cos_sum, weights[j], load(nodes, start, TILE))
        sin_sum = plus_scaled(sin_sum, weights[j], load(nodes, half + start, TILE))
    store(cos_sum, cosine, 0)
    store(sin_sum, sine, 0)
