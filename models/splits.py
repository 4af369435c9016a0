"""Training, validation and test parts: 81, 9 and 10 % of the stars, or of the light curves."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from udfs.stars import same_star

TRAIN, VALIDATION, TEST = 0, 1, 2
UNUSED = -1
PART_NAMES = ("train", "validation", "test")
# 10 % for the test, then 10 % of the rest for the validation.
_TRAIN_SHARE, _TRAIN_AND_VALIDATION_SHARE = 0.81, 0.90


def split_by_star(
    object_ids: Sequence[str],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    *,
    seed: int = 42,
) -> NDArray[np.int8]:
    """The part of each light curve, with all light curves of a star in one part.

    The part is a hash of the star, so adding other stars never moves a star to another part, and
    neither does the order of the rows. Parts are 81, 9 and 10 % of the stars on average.

    Parameters
    ----------
    object_ids : n strings
        The star of each light curve; repeated for its other light curves.
    ra, dec : (n,) float64, degrees
        Positions; NaN where unknown. Stars closer than 1.5 arcsec count as one: the same star may
        bear two names in two fields or surveys.
    seed : int
        Another seed gives another, independent split.

    Returns
    -------
    (n,) int8, of TRAIN, VALIDATION and TEST.
    """
    names = np.asarray(object_ids, dtype=str)
    star = same_star(names, np.asarray(ra, float), np.asarray(dec, float))
    order = np.lexsort([names, star])
    first = order[np.unique(star[order], return_index=True)[1]]
    return np.array([_part_of(names[i], seed) for i in first], dtype=np.int8)[star]


def split_by_light_curve(target: NDArray[np.int8], *, seed: int = 42) -> NDArray[np.int8]:
    """SCoPe's own split: by light curve, so that one star can be in two parts.

    Scores on its test part are too good by what a model gains from having seen the star.

    Parameters
    ----------
    target : (n,) int8
        1 positive, 0 negative, -1 not used for this label.

    Returns
    -------
    (n,) int8, of TRAIN, VALIDATION, TEST and UNUSED.
    """
    order = np.concatenate([np.flatnonzero(target == 1), np.flatnonzero(target == 0)])
    part = np.full(len(target), UNUSED, dtype=np.int8)
    rest, test = train_test_split(order, test_size=0.1, shuffle=True, random_state=seed)
    train, validation = train_test_split(rest, test_size=0.1, shuffle=True, random_state=seed)
    part[train], part[validation], part[test] = TRAIN, VALIDATION, TEST
    return part


def _part_of(name: str, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2.0**64
    if share < _TRAIN_SHARE:
        return TRAIN
    return VALIDATION if share < _TRAIN_AND_VALIDATION_SHARE else TEST
