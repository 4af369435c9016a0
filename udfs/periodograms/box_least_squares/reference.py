"""BLS by least squares of each box, in numpy: the judge of the fast backends."""

import numpy as np

from udfs.ragged import BoolArray, FloatArray


def one_curve(
    elapsed: FloatArray,
    centred: FloatArray,
    weight: FloatArray,
    freq: FloatArray,
    *,
    phase_bins: int,
    fewest: int,
    most: int,
) -> FloatArray:
    """Shares of one curve; see :func:`udfs.periodograms.box_least_squares.box_least_squares`."""
    starts = np.repeat(np.arange(phase_bins), most - fewest + 1)
    lengths = np.tile(np.arange(fewest, most + 1), phase_bins)
    # Of the bins around the circle, those that lie in each box.
    boxes = (np.arange(phase_bins)[None, :] - starts[:, None]) % phase_bins < lengths[:, None]
    chi2 = np.sum(weight * centred**2)
    shares = []
    for f in freq:
        phase = np.mod(elapsed * f, 1.0)
        column = np.minimum((phase * phase_bins).astype(np.int64), phase_bins - 1)
        inside = boxes[:, column]
        best = min(_left(inside[k], centred, weight) for k in range(starts.size))
        shares.append(1.0 - min(best / chi2, 1.0))
    return np.array(shares)


def _left(inside: BoolArray, centred: FloatArray, weight: FloatArray) -> float:
    """Chi-square about one level inside the box and another one outside."""
    left = 0.0
    for part in (inside, ~inside):
        if part.any():
            level = np.average(centred[part], weights=weight[part])
            left += float(np.sum(weight[part] * (centred[part] - level) ** 2))
    return left
