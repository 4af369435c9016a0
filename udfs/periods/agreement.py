"""How many algorithms found the same period, or the same family of aliases."""

import numpy as np

from udfs.periods.window import alias_family
from udfs.ragged import BoolArray, FloatArray

# As in SCoPe: a match is within 5% of the period times one of these; shorter periods do not count.
HARMONIC_RATIOS = (1.0, 1 / 2, 2.0, 1 / 3, 3.0)
_TOLERANCE = 0.05
_SHORTEST_DAY = 0.007
_FAMILY_TOLERANCE_PER_DAY = 0.03


def agreement(period: FloatArray, others: FloatArray) -> FloatArray:
    """Share of the other algorithms whose period is the chosen one, its half, double or third.

    Parameters
    ----------
    period : (n_star,) float64, days
    others : (n_star, n_algorithm) float64, days
        NaN where an algorithm found none.

    Returns
    -------
    (n_star,) float64, in [0, 1]; NaN where there is no period or no other algorithm has one
    """
    ratio = period[:, None] / others
    match = np.zeros(others.shape, np.bool_)
    for harmonic in HARMONIC_RATIOS:
        match |= np.abs(ratio / harmonic - 1) < _TOLERANCE
    return _share(match, period, others)


def family_agreement(period: FloatArray, others: FloatArray) -> FloatArray:
    """Share of the other algorithms whose frequency is in the sidereal alias family of the chosen.

    f1 = h f2 + n f_sid with h in {1, 1/2, 2} to within 0.03 cycles/day, any n of either sign.
    Parameters and result as :func:`agreement`.
    """
    family = alias_family(1.0 / period)[:, None]
    match = np.zeros(others.shape, np.bool_)
    for harmonic in (1.0, 0.5, 2.0):
        match |= np.abs(alias_family(harmonic / others) - family) < _FAMILY_TOLERANCE_PER_DAY
    return _share(match, period, others)


def _share(match: BoolArray, period: FloatArray, others: FloatArray) -> FloatArray:
    counted = (period[:, None] >= _SHORTEST_DAY) & (others >= _SHORTEST_DAY)
    n = counted.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((match & counted).sum(axis=1) / n)
