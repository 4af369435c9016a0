"""Multi-harmonic periodogram by rotation: harmonics are powers of one complex number."""

import math

import numpy as np

from udfs.jit import jit
from udfs.periodograms.multi_harmonic.formula import RIDGE
from udfs.periodograms.multi_harmonic.side_by_side import add_gain, solve_side_by_side
from udfs.periodograms.rotation import (
    RESEED_STEPS,
    even_stretch,
    first_sums,
    next_sums,
    next_window,
    rotate,
    waves,
)
from udfs.periodograms.tiles import TILE
from udfs.ragged import FloatArray


def one_curve(
    elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray, *, harmonics: int
) -> FloatArray:
    """Reductions of one curve; see :mod:`udfs.periodograms.multi_harmonic`."""
    return _one_curve(elapsed, y, weight, freq, harmonics, RIDGE, RESEED_STEPS)


@jit
def _one_curve(
    elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray,
    harmonics: int, ridge: float, reseed: int,
) -> FloatArray:  # fmt: skip
    n, size = elapsed.size, 2 * harmonics + 1
    out = np.zeros((freq.size, harmonics))
    cosine, sine = np.empty(n), np.empty(n)
    step_cosine, step_sine = np.empty(n), np.empty(n)
    power_cosine, power_sine = np.empty(n), np.empty(n)
    # Sums of TILE neighbouring frequencies, whose equations are solved side by side.
    w_cos, w_sin = np.zeros((size, TILE)), np.zeros((size, TILE))
    y_cos, y_sin = np.zeros((harmonics + 1, TILE)), np.zeros((harmonics + 1, TILE))
    factor, z, gain = np.zeros((size, size, TILE)), np.zeros((size, TILE)), np.zeros(TILE)
    w_cos[0], y_cos[0] = np.sum(weight), np.sum(weight * y)
    step = math.nan
    start = 0
    while start < freq.size:
        stop = even_stretch(freq, start, reseed)
        waves(elapsed, freq[start], cosine, sine)
        if stop - start > 1:
            mean_step = (freq[stop - 1] - freq[start]) / (stop - 1 - start)
            if mean_step != step:
                step = mean_step
                waves(elapsed, step, step_cosine, step_sine)
        for f in range(start, stop):
            if f > start:
                rotate(cosine, sine, step_cosine, step_sine)
            lane = (f - start) % TILE
            w_cos[1, lane], w_sin[1, lane], y_cos[1, lane], y_sin[1, lane] = first_sums(
                y, weight, cosine, sine, power_cosine, power_sine
            )
            for k in range(2, harmonics + 1):
                w_cos[k, lane], w_sin[k, lane], y_cos[k, lane], y_sin[k, lane] = next_sums(
                    y, cosine, sine, power_cosine, power_sine
                )
            for k in range(harmonics + 1, size):
                w_cos[k, lane], w_sin[k, lane] = next_window(cosine, sine, power_cosine, power_sine)
            if lane == TILE - 1 or f == stop - 1:
                solve_side_by_side(w_cos, w_sin, y_cos, y_sin, ridge, factor, z)
                for k in range(harmonics):
                    add_gain(z, k, gain, gain)
                    out[f - lane : f + 1, k] = gain[: lane + 1]
        start = stop
    return out
