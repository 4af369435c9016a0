"""Multi-harmonic periodogram as least squares of a design matrix, in numpy."""

import numpy as np

from udfs.periodograms.multi_harmonic.formula import RIDGE
from udfs.ragged import FloatArray


def one_curve(
    elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray, *, harmonics: int
) -> FloatArray:
    """Reductions of one curve; see :mod:`udfs.periodograms.multi_harmonic`."""
    root = np.sqrt(weight)
    out = np.empty((freq.size, harmonics))
    mean = np.sum(weight * y) / np.sum(weight)
    flat = np.sum(weight * (y - mean) ** 2)
    for f in range(freq.size):
        angle = 2 * np.pi * np.mod(freq[f] * elapsed, 1.0)
        for k in range(1, harmonics + 1):
            out[f, k - 1] = flat - _penalised_chi2(root, root * y, angle, k)
    return out


def _penalised_chi2(root: FloatArray, target: FloatArray, angle: FloatArray, k: int) -> float:
    orders = np.arange(1, k + 1)
    waves = [np.cos(np.outer(angle, orders)), np.sin(np.outer(angle, orders))]
    design = root[:, None] * np.hstack([np.ones((angle.size, 1)), *waves])
    # A penalty of squares is a measurement of zero: one more row per amplitude.
    penalty = np.sqrt(RIDGE * np.sum(root**2)) * np.eye(2 * k + 1)[1:]
    rows = np.vstack([design, penalty])
    values = np.concatenate([target, np.zeros(2 * k)])
    solution, *_ = np.linalg.lstsq(rows, values, rcond=None)
    return float(np.sum((values - rows @ solution) ** 2))
