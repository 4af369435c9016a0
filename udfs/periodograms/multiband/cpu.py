"""Multi-band periodogram by rotation, as the single-band ones; sums are taken band by band."""

import math

import numpy as np

from udfs.jit import jit
from udfs.periodograms.multiband import formula
from udfs.periodograms.rotation import (
    RESEED_STEPS,
    even_stretch,
    first_sums,
    next_sums,
    next_window,
    rotate,
    waves,
)
from udfs.ragged import FloatArray, IntArray

# What rounding leaves of a column that is a sum of others, as a share of the weights.
_ROUNDING = 1e-14

_fill_products = jit(formula.fill_products)
_fill_band_rows = jit(formula.fill_band_rows)
_reduce_rows = jit(formula.reduce_rows)
_add_to_shared_rows = jit(formula.add_to_shared_rows)


def one_curve(
    elapsed: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    bounds: IntArray,
    freq: FloatArray,
    *,
    terms: tuple[int, int],
    penalties: tuple[float, float],
) -> FloatArray:
    """Power of one star; see :func:`udfs.periodograms.multiband.multiband`.

    Band ``b`` owns the epochs from ``bounds[b]`` to ``bounds[b + 1]``.
    """
    total = float(np.sum(weight))
    # cos^2 + sin^2 = 1: each harmonic adds the weights once, each constant too.
    trace = total * (2 + sum(terms))
    explained = _one_curve(
        elapsed,
        y,
        weight,
        bounds,
        freq,
        terms[0],
        terms[1],
        penalties[0] * trace,
        penalties[1] * trace,
        _ROUNDING * total,
    )
    return explained / float(np.sum(weight * y**2))


@jit
def _sums_of_band(
    y: FloatArray,
    weight: FloatArray,
    cosine: FloatArray,
    sine: FloatArray,
    power_cosine: FloatArray,
    power_sine: FloatArray,
    sums: FloatArray,
    projections: FloatArray,
) -> None:
    """Fill ``sums[0, k]``, ``sums[1, k]`` (w cos k, w sin k) and the projections of y."""
    harmonics = projections.size // 2
    sums[0, 1], sums[1, 1], projections[1], projections[2] = first_sums(
        y, weight, cosine, sine, power_cosine, power_sine
    )
    for k in range(2, harmonics + 1):
        sums[0, k], sums[1, k], projections[2 * k - 1], projections[2 * k] = next_sums(
            y, cosine, sine, power_cosine, power_sine
        )
    for k in range(harmonics + 1, 2 * harmonics + 1):
        sums[0, k], sums[1, k] = next_window(cosine, sine, power_cosine, power_sine)


@jit
def _explained(
    y: FloatArray,
    weight: FloatArray,
    bounds: IntArray,
    angles: FloatArray,
    constants: FloatArray,
    base_terms: int,
    band_terms: int,
    base_penalty: float,
    band_penalty: float,
    smallest: float,
) -> float:
    """Chi-square explained at one frequency; ``angles`` has cos, sin and two rows of work space."""
    harmonics = max(base_terms, band_terms)
    own, shared = 2 * band_terms + 1, 2 * base_terms + 1
    sums, projections = np.zeros((2, 2 * harmonics + 1)), np.zeros(2 * harmonics + 1)
    products = np.empty((2 * harmonics + 1, 2 * harmonics + 1))
    rows, shared_rows = np.empty((own, own + shared + 1)), np.zeros((shared, shared + 1))
    for i in range(shared):
        shared_rows[i, i] = base_penalty
    explained = 0.0
    for b in range(bounds.size - 1):
        start, stop = bounds[b], bounds[b + 1]
        cosine, sine = angles[0, start:stop], angles[1, start:stop]
        work_cosine, work_sine = angles[2, start:stop], angles[3, start:stop]
        sums[0, 0], projections[0] = constants[b, 0], constants[b, 1]
        _sums_of_band(
            y[start:stop],
            weight[start:stop],
            cosine,
            sine,
            work_cosine,
            work_sine,
            sums,
            projections,
        )
        _fill_products(sums[0], sums[1], products)
        _fill_band_rows(products, projections, band_penalty, rows)
        explained += _reduce_rows(rows, smallest)
        _add_to_shared_rows(products, projections, rows, shared_rows)
    return explained + _reduce_rows(shared_rows, smallest)


@jit
def _one_curve(
    elapsed: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    bounds: IntArray,
    freq: FloatArray,
    base_terms: int,
    band_terms: int,
    base_penalty: float,
    band_penalty: float,
    smallest: float,
) -> FloatArray:
    out = np.empty(freq.size)
    angles, steps = np.empty((4, y.size)), np.empty((2, y.size))
    constants = np.empty((bounds.size - 1, 2))
    for b in range(bounds.size - 1):
        part = slice(bounds[b], bounds[b + 1])
        constants[b, 0] = np.sum(weight[part])
        constants[b, 1] = np.sum(weight[part] * y[part])
    step = math.nan
    start = 0
    while start < freq.size:
        stop = even_stretch(freq, start, RESEED_STEPS)
        waves(elapsed, freq[start], angles[0], angles[1])
        if stop - start > 1:
            mean_step = (freq[stop - 1] - freq[start]) / (stop - 1 - start)
            if mean_step != step:
                step = mean_step
                waves(elapsed, step, steps[0], steps[1])
        for f in range(start, stop):
            if f > start:
                rotate(angles[0], angles[1], steps[0], steps[1])
            out[f] = _explained(
                y,
                weight,
                bounds,
                angles,
                constants,
                base_terms,
                band_terms,
                base_penalty,
                band_penalty,
                smallest,
            )
        start = stop
    return out
