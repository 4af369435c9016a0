"""Loop over the light curves behind the basic statistics."""

import numpy as np

from udfs.features import moments_formula as formula
from udfs.features.normality import anderson_darling, shapiro_weights, shapiro_wilk
from udfs.jit import jit, jit_reordered
from udfs.ragged import FloatArray, IntArray

_order_statistics = jit(formula.order_statistics)
_weighted_moments = jit_reordered(formula.weighted_moments)
_serial_statistics = jit_reordered(formula.serial_statistics)


@jit
def moments(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    ordered: FloatArray,
    ordered_ratio: FloatArray,
    offsets: IntArray,
    out: FloatArray,
) -> None:
    """Fill one row of ``out`` per curve; see :mod:`udfs.features.statistics`.

    ``ordered`` and ``ordered_ratio`` are ``mag`` and ``mag / magerr``, ascending in each curve.
    """
    weights = np.empty(0)
    weights_of = 0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        row = out[i]
        row[0] = stop - start
        if stop == start:
            continue
        t, m, e = time[start:stop], mag[start:stop], magerr[start:stop]
        _order_statistics(ordered[start:stop], row)
        _weighted_moments(m, e, row)
        _serial_statistics(t, m, e, row)
        row[20] = anderson_darling(ordered_ratio[start:stop])
        # Curves of a quadrant often have as many epochs as their neighbours.
        if stop - start != weights_of:
            weights_of = stop - start
            weights = shapiro_weights(weights_of)
        row[21] = shapiro_wilk(ordered_ratio[start:stop], weights)
