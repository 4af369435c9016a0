"""What the cadence does to a frequency: spectral window and sidereal aliases."""

import numpy as np

from udfs.ragged import BoolArray, FloatArray

# Rotations of the Earth per day: a source culminates this often.
SIDEREAL_PER_DAY = 1.00273790935
# Covers the sidereal day and the yearly side lobes of the first few multiples.
_NEAR_DAY_PER_DAY = 0.01


def window_power(time: FloatArray, freq: FloatArray) -> FloatArray:
    """Squared modulus of the sampling window of one set of epochs.

    1 where the sampling cannot tell the frequency from zero, near 1/n where the phases are
    spread evenly.

    Parameters
    ----------
    time : (n_obs,) float64, days
        From about their first; at least one.
    freq : (n_freq,) float64, cycles/day

    Returns
    -------
    (n_freq,) float64, in [0, 1]

    References
    ----------
    Deeming (1975), Ap&SS 36, 137. doi:10.1007/BF00681947
    """
    phase = np.mod(np.outer(freq, time), 1.0)
    return np.asarray(np.abs(np.exp(2j * np.pi * phase).mean(axis=1)) ** 2)


def alias_family(freq: FloatArray) -> FloatArray:
    """Lowest frequency of the sidereal alias family [cycles/day], in [0, SIDEREAL_PER_DAY / 2].

    The distance of the frequency from the nearest multiple of SIDEREAL_PER_DAY. All f + n f_sid
    and n f_sid - f have the same one: telescopes that look once a night cannot
    tell them apart, and algorithms that disagree only in n agree in it.
    """
    return np.asarray(np.abs(freq - SIDEREAL_PER_DAY * np.round(freq / SIDEREAL_PER_DAY)))


def near_day(freq: FloatArray) -> BoolArray:
    """Whether a frequency [cycles/day] is within 0.01 of a whole number of cycles per day."""
    whole = np.round(freq)
    return np.asarray((whole > 0) & (np.abs(freq - whole) < _NEAR_DAY_PER_DAY))
