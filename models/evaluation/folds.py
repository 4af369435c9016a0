"""Folds for out-of-fold scores: by star, or by light curve to show what that hides."""

import numpy as np
from numpy.typing import NDArray

from models.splits import TEST, TRAIN, VALIDATION

_SEED = 42


def folds_by_star(star: NDArray[np.intp], n_folds: int) -> NDArray[np.intp]:
    """The fold of each row, (n,) int; all light curves of a star are in one.

    ``star`` numbers the star of each row from 0 without gaps: shuffled once, dealt out in turn.
    """
    n_stars = int(star.max()) + 1 if len(star) else 0
    dealt: NDArray[np.intp] = np.random.default_rng(_SEED).permutation(n_stars)[star] % n_folds
    return dealt


def folds_by_light_curve(n_rows: int, n_folds: int) -> NDArray[np.intp]:
    """The fold of each row, without regard to stars: one star is then on both sides."""
    return np.random.default_rng(_SEED).permutation(n_rows) % n_folds


def parts_of_fold(
    fold: NDArray[np.intp], unit: NDArray[np.intp], *, number: int, n_folds: int
) -> NDArray[np.int8]:
    """Test on one fold; a tenth of the other units is for validation, the rest for training.

    Parameters
    ----------
    fold : (n,) int
        The fold of each row.
    unit : (n,) int
        What was dealt out, from 0 without gaps: the star of each row, or the row itself.
    """
    part = np.full(len(fold), TRAIN, dtype=np.int8)
    rng = np.random.default_rng(_SEED + 1 + number + n_folds)
    held_out = rng.random(int(unit.max()) + 1 if len(unit) else 0) < 0.1
    part[held_out[unit]] = VALIDATION
    part[fold == number] = TEST
    return part
