"""Trigonometric sums of many sources at any frequency, from matrix products at few.

The sum S(f) = sum over t of d_t exp(-2 pi i f t) over a time span B varies slowly: knowing it at
nodes a little closer than 1 / B is enough, and a grid of ten points a peak has many times as many.
The nodes are products of a matrix of cosines and sines, which all sources share, with the matrix of
the data. Between the nodes, S is interpolated with the kernel of a non-uniform fast Fourier
transform:

    S(f) = sum over nodes n of K(f / step - n) S'(n step),  d'_t = d_t / FT[K](step t),

K(x) = exp(b (sqrt(1 - (2 x / w)^2) - 1)) over w = 8 nodes.

References
----------
Barnett, Magland and af Klinteberg (2019), SIAM J. Sci. Comput. 41, C479, equations 1.8 and 4.3.
doi:10.1137/18M120885X
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import roots_legendre

from udfs.jit import jit, jit_reordered
from udfs.lanes import load, plus_scaled, store, zeros
from udfs.periodograms.tiles import TILE, Float32Array
from udfs.ragged import FloatArray

TAPS = 8
# Nodes per 1 / B. The error, in units of the root of the sum of squares, is 4e-7 with FINE, the
# rounding of single precision, and 1e-4 with COARSE: enough for weights, whose sum is far larger.
FINE, COARSE = 2.0, 1.25
# Steps between two exact evaluations of a rotation.
_RESEED = 64
_QUADRATURE = 64


@dataclass(frozen=True)
class Interpolation:
    """A kernel, and the data's correction for it.

    Attributes
    ----------
    step_per_day : float, cycles/day
        Distance of the nodes.
    shape : float
        The kernel's b.
    correction : (n_exposures,) float64
        1 / FT[K] at the times.
    """

    step_per_day: float
    shape: float
    correction: FloatArray


def interpolation(time: FloatArray, oversampling: float) -> Interpolation:
    """The kernel for these times: (n_exposures,) float64, days, centred on 0."""
    step = 1.0 / (2.0 * oversampling * max(float(np.max(np.abs(time))), 1e-6))
    # Equation 4.3 gives the best shape for this number of taps and nodes.
    shape = 0.98 * math.pi * TAPS * (1.0 - 0.5 / oversampling)
    x, weight = roots_legendre(_QUADRATURE)
    kernel = np.exp(shape * (np.sqrt(1.0 - x**2) - 1.0)) * weight * (TAPS / 2)
    transform = kernel @ np.cos(np.pi * TAPS * np.outer(x, step * time))
    return Interpolation(step, shape, 1.0 / transform)


@dataclass(frozen=True)
class Waves:
    """Cosines and sines of the shared times at the nodes around a stretch of frequencies.

    Attributes
    ----------
    matrix : (2 * n_nodes, n_exposures) float32
        The cosines, then the sines.
    first : int
        The first node lies at ``first * kernel.step_per_day``.
    kernel : Interpolation
    """

    matrix: Float32Array
    first: int
    kernel: Interpolation


def waves_between(low: float, high: float, time: FloatArray, kernel: Interpolation) -> Waves:
    """The waves whose sums allow interpolation at all frequencies from ``low`` to ``high``.

    Parameters
    ----------
    low, high : float, cycles/day
    time : (n_exposures,) float64, days, centred on 0
    kernel : Interpolation
        Of these times.
    """
    step = kernel.step_per_day
    first = math.floor(low / step) - TAPS // 2 + 1
    n_nodes = math.floor(high / step) + TAPS // 2 - first + 1
    matrix = np.empty((2 * n_nodes, time.size), np.float32)
    _trigonometry(time, kernel.correction, first, step, matrix[:n_nodes], matrix[n_nodes:])
    return Waves(matrix, first, kernel)


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
def kernel_weights(freq: float, step: float, shape: float, weights: Float32Array) -> int:
    """Weights of the TAPS nodes around a frequency; returns the number of the first one."""
    centre = freq / step
    lowest = int(math.floor(centre)) - TAPS // 2 + 1
    for j in range(TAPS):
        x = (centre - (lowest + j)) / (TAPS / 2)
        # Rounding may put the outermost node just beyond the kernel.
        inside = max(1.0 - x * x, 0.0)
        weights[j] = np.float32(math.exp(shape * (math.sqrt(inside) - 1.0)))
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
