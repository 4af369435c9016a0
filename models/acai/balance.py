"""A balanced choice of examples: the larger class is thinned out."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


def balance(target: NDArray[np.int8], *, ratio: float, seed: int) -> tuple[Rows, Rows]:
    """Positions kept and positions dropped, both ascending.

    The larger class keeps at most ``ratio`` times as many examples as the smaller one, whichever of
    the two that is. (ACAI's released code means the same, but its branch for more positives than
    negatives is never reached.)

    Parameters
    ----------
    target : (n,) int8, of 0 and 1
    ratio : float
        At least 1; infinity keeps all.
    seed : int
        Of the choice.
    """
    classes = [np.flatnonzero(target == value) for value in (0, 1)]
    smaller, larger = sorted(classes, key=len)
    size = int(min(len(larger), np.floor(ratio * len(smaller)) if np.isfinite(ratio) else np.inf))
    chosen = np.random.default_rng(seed).permutation(larger)
    kept = np.sort(np.concatenate([smaller, chosen[:size]]))
    return kept, np.sort(chosen[size:])
