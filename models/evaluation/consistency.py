"""Scores that agree with the label trees: a label is never more probable than the one above it.

Independent classifiers may call a star an RRab but no RR Lyrae. Three ways to mend that, each of
which leaves consistent scores as they are:

``lift``      a label is at least as probable as each label below it
``lower``     a label is at most as probable as the one above it
``mean``      half way between the two
``nearest``   the consistent scores with the least sum of squared changes
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.taxonomy import Taxonomy
from udfs.errors import ContractError

LIFT, LOWER, MEAN, NEAREST = "lift", "lower", "mean", "nearest"
PROJECTIONS = (LIFT, LOWER, MEAN, NEAREST)

FloatMatrix = NDArray[np.float64]


def nearest_above(taxonomy: Taxonomy, labels: Sequence[str]) -> dict[str, str]:
    """Label -> the nearest of ``labels`` above it in its tree; without an entry if none is."""
    found = {}
    for name in taxonomy.names:
        above = [other for other in taxonomy.ancestors(name) if other in labels]
        if name in labels and above:
            found[name] = above[0]
    return found


def consistent(
    scores: NDArray[np.floating[Any]], labels: Sequence[str], taxonomy: Taxonomy, *, how: str
) -> FloatMatrix:
    """A copy of the scores that no row of contradicts the trees.

    Scores of different labels can only be compared once they are probabilities: calibrate first.

    Parameters
    ----------
    scores : (n, n_labels) float
        Columns in the order of ``labels``. A row with a NaN is returned as it is: what a label
        that was not scored would allow is unknown.
    how : {"lift", "lower", "mean", "nearest"}
        See the top of this file.

    Raises
    ------
    ContractError
        For another ``how``.

    References
    ----------
    Pardalos & Xue (1999), Algorithmica 23, 211, for ``nearest``.
    """
    if how not in PROJECTIONS:
        raise ContractError(f"projection is {how!r}, expected one of {', '.join(PROJECTIONS)}")
    column = {name: i for i, name in enumerate(labels)}
    above = {
        column[child]: column[parent] for child, parent in nearest_above(taxonomy, labels).items()
    }
    depth = {i: len(taxonomy.ancestors(name)) for name, i in column.items()}
    down = sorted(above, key=lambda child: depth[child])
    result = np.array(scores, dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(result).all(axis=1) & ~is_consistent(result, above))
    wrong = result[rows]
    if how == LIFT:
        result[rows] = _lift(wrong, above, down)
    elif how == LOWER:
        result[rows] = _lower(wrong, above, down)
    elif how == MEAN:
        # The consistent scores form a convex set.
        result[rows] = (_lift(wrong, above, down) + _lower(wrong, above, down)) / 2
    else:
        for row in rows:
            result[row] = _nearest(result[row], above, down)
    return result


def is_consistent(scores: FloatMatrix, above: Mapping[int, int]) -> NDArray[np.bool_]:
    """Rows in which no column exceeds the one above it, (n,) bool; ``above``: child -> parent."""
    fine = np.ones(len(scores), dtype=bool)
    for child, parent in above.items():
        fine &= ~(scores[:, child] > scores[:, parent])
    return fine


def _lift(scores: FloatMatrix, above: Mapping[int, int], down: Sequence[int]) -> FloatMatrix:
    lifted = scores.copy()
    for child in reversed(down):
        parent = above[child]
        lifted[:, parent] = np.maximum(lifted[:, parent], lifted[:, child])
    return lifted


def _lower(scores: FloatMatrix, above: Mapping[int, int], down: Sequence[int]) -> FloatMatrix:
    lowered = scores.copy()
    for child in down:
        lowered[:, child] = np.minimum(lowered[:, child], lowered[:, above[child]])
    return lowered


def _nearest(
    values: NDArray[np.float64], above: Mapping[int, int], down: Sequence[int]
) -> NDArray[np.float64]:
    """Pool adjacent violators, from the leaves upwards.

    Each block is a connected part of a tree with one value, the mean of its members. A label that
    is lower than the highest block hanging below it joins that block, until none is higher.
    """
    n = len(values)
    members: list[list[int]] = [[i] for i in range(n)]
    total = values.astype(np.float64).copy()
    below: list[list[int]] = [[] for _ in range(n)]
    for child in down:
        below[above[child]].append(child)
    parents = [i for i in range(n) if i not in above]
    # ``down`` is sorted by depth: reversed, every label comes after all those below it.
    for top in [*reversed(down), *parents]:
        while below[top]:
            highest = max(below[top], key=lambda block: total[block] / len(members[block]))
            if total[highest] / len(members[highest]) <= total[top] / len(members[top]):
                break
            below[top].remove(highest)
            below[top] += below[highest]
            members[top] += members[highest]
            total[top] += total[highest]
            members[highest] = []
    result = np.empty(n)
    for block, of in enumerate(members):
        result[of] = total[block] / len(of) if of else 0.0
    return result
