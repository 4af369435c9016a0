"""Multi-band periodogram by one penalised least-squares fit, in numpy: the judge of the others."""

import numpy as np

from udfs.ragged import FloatArray, IntArray


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
    band = np.repeat(np.arange(bounds.size - 1), np.diff(bounds))
    root = np.sqrt(weight)
    power = []
    for f in freq:
        turn = np.mod(elapsed * f, 1.0)
        shared = _series(turn, terms[0])
        own = [_series(turn, terms[1]) * (band == b) for b in range(bounds.size - 1)]
        design = root * np.concatenate([shared, *own])
        trace = float(np.sum(design**2))
        n_own = design.shape[0] - shared.shape[0]
        penalty = np.repeat(penalties, (shared.shape[0], n_own)) * trace
        # A penalised fit is a plain one with a row of its own for each penalty, of value 0.
        rows = np.vstack([design.T, np.diag(np.sqrt(penalty))])
        values = np.concatenate([root * y, np.zeros(penalty.size)])
        solution = np.linalg.lstsq(rows, values, rcond=None)[0]
        left = float(np.sum((values - rows @ solution) ** 2))
        power.append(1.0 - left / float(np.sum(weight * y**2)))
    return np.array(power)


def _series(turn: FloatArray, harmonics: int) -> FloatArray:
    angles = [2 * np.pi * k * turn for k in range(1, harmonics + 1)]
    waves = [wave(angle) for angle in angles for wave in (np.cos, np.sin)]
    return np.array([np.ones(turn.size), *waves])
