"""Multi-band periodogram on the GPU: a thread per frequency, band by band."""

import functools
import math
from typing import Any

import numpy as np
from numba import cuda, float64

from udfs.devices import blocks_for
from udfs.periodograms.multiband import formula
from udfs.periodograms.phases_cuda import phase_at
from udfs.ragged import FloatArray, IntArray

THREADS = 64
# What rounding leaves of a column that is a sum of others, as a share of the weights.
_ROUNDING = 1e-14

_fill_products = cuda.jit(device=True)(formula.fill_products)
_fill_band_rows = cuda.jit(device=True)(formula.fill_band_rows)
_reduce_rows = cuda.jit(device=True)(formula.reduce_rows)
_add_to_shared_rows = cuda.jit(device=True)(formula.add_to_shared_rows)


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
    """Power of one star; see :func:`udfs.periodograms.multiband.multiband`."""
    out = cuda.device_array(freq.size)
    total = float(np.sum(weight))
    # cos^2 + sin^2 = 1: each harmonic adds the weights once, each constant too.
    trace = total * (2 + sum(terms))
    if freq.size:
        launch = _kernel(*terms)[blocks_for(freq.size, THREADS), THREADS]
        arrays = (cuda.to_device(array) for array in (elapsed, y, weight, bounds, freq))
        launch(*arrays, penalties[0] * trace, penalties[1] * trace, _ROUNDING * total, out)
    return out.copy_to_host() / float(np.sum(weight * y**2))  # type: ignore[no-any-return]


@functools.cache
def _kernel(base_terms: int, band_terms: int) -> Any:
    """The kernel for so many harmonics: the sums of a thread are arrays of a fixed size."""
    harmonics = max(base_terms, band_terms)
    waves = columns = 2 * harmonics + 1
    own, shared = 2 * band_terms + 1, 2 * base_terms + 1
    own_columns, shared_columns = own + shared + 1, shared + 1

    @cuda.jit  # type: ignore[untyped-decorator]
    def fill(
        elapsed: Any, y: Any, weight: Any, bounds: Any, freq: Any,
        base_penalty: float, band_penalty: float, smallest: float, out: Any,
    ) -> None:  # fmt: skip
        f = cuda.grid(1)
        if f >= out.size:
            return
        sums = cuda.local.array((2, waves), float64)
        projections = cuda.local.array(waves, float64)
        products = cuda.local.array((columns, columns), float64)
        rows = cuda.local.array((own, own_columns), float64)
        shared_rows = cuda.local.array((shared, shared_columns), float64)
        for i in range(shared):
            for j in range(shared_columns):
                shared_rows[i, j] = base_penalty if i == j else 0.0
        explained = 0.0
        for band in range(bounds.size - 1):
            for k in range(waves):
                sums[0, k] = sums[1, k] = projections[k] = 0.0
            for epoch in range(bounds[band], bounds[band + 1]):
                angle = 2.0 * math.pi * phase_at(freq[f], elapsed[epoch])
                c, s = math.cos(angle), math.sin(angle)
                # The k-th harmonic is the k-th power of one complex number.
                wave_c, wave_s = weight[epoch], 0.0
                for k in range(waves):
                    sums[0, k] += wave_c
                    sums[1, k] += wave_s
                    if k <= harmonics:
                        projections[max(2 * k - 1, 0)] += y[epoch] * wave_c
                        if k > 0:
                            projections[2 * k] += y[epoch] * wave_s
                    wave_c, wave_s = wave_c * c - wave_s * s, wave_s * c + wave_c * s
            _fill_products(sums[0], sums[1], products)
            _fill_band_rows(products, projections, band_penalty, rows)
            explained += _reduce_rows(rows, smallest)
            _add_to_shared_rows(products, projections, rows, shared_rows)
        out[f] = explained + _reduce_rows(shared_rows, smallest)

    return fill
