"""All boosted trees of a model set in one pass: XGBoost's scores, several times as fast.

Following 16 rows down a tree at once would fetch a threshold and a feature from 16 places per
level. Here every node of a tree is compared with a whole vector of rows instead, and what remains
is a set of bits per row: the leaves that it can still reach (Lucchese et al. 2015, SIGIR, 73,
"QuickScorer"). A node whose condition fails strikes out the leaves on its left; the leftmost that
remains at the end is the row's. A tree of more than 32 leaves is taken as several of at most 32.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.forest_pack import Packed, pack
from models.side_by_side import by_parts
from models.ubj import read_ubj
from udfs.errors import ContractError
from udfs.jit import jit
from udfs.lanes import load, store
from udfs.lanes_math import all_bits, keep_unless_below, leading_zeros

FloatMatrix = NDArray[np.float32]

# Rows whose features are brought into order together: with 61 features they fill 250 kB.
_ROWS = 512
# Rows that pass a node together, and lanes of a vector: four vectors of bits stay in registers.
_TOGETHER, _LANES = 64, 16


@dataclass(frozen=True)
class Forest:
    """The trees of many binary models.

    Attributes
    ----------
    labels
        One name per model.
    packed
        The trees, label after label.
    ends : (n_labels + 1,) int64
        Label ``i`` owns the trees from ``ends[i]`` to ``ends[i + 1]``.
    base : (n_labels,) float32
        Margin before the first tree.
    threads
        Parts of a batch that are scored side by side.
    """

    labels: tuple[str, ...]
    packed: Packed
    ends: NDArray[np.int64]
    base: NDArray[np.float32]
    threads: int = 1

    def predict(self, matrix: FloatMatrix) -> FloatMatrix:
        """Probability of each label for each row, (n, n_labels) float32.

        Parameters
        ----------
        matrix : (n, n_columns) float32
            Columns as given to ``load_forest``; NaN is a missing value.
        """
        # exp overflows to infinity where the probability is 0 in float32.
        with np.errstate(over="ignore"):
            probability: FloatMatrix = 1 / (1 + np.exp(-self.margins(matrix)))
        return probability

    def margins(self, matrix: FloatMatrix) -> FloatMatrix:
        """Log odds of each label for each row, (n, n_labels) float32: XGBoost's, bit for bit."""
        rows = np.ascontiguousarray(matrix, dtype=np.float32)
        return by_parts(lambda part: self._margins(rows[part]), len(rows), threads=self.threads)

    def _margins(self, rows: FloatMatrix) -> FloatMatrix:
        out = np.empty((len(rows), len(self.labels)), dtype=np.float32)
        nodes = self.packed
        _margins(
            rows, nodes.starts, nodes.column, nodes.threshold, nodes.mask, nodes.leaves,
            self.ends, self.base, out,
        )  # fmt: skip
        return out


def load_forest(models: Mapping[str, bytes], columns: Sequence[str], *, threads: int = 1) -> Forest:
    """The forest of models in XGBoost's UBJ form.

    Parameters
    ----------
    models : label -> model
        Their features are found by name.
    columns
        Names of the columns of the matrices to be scored.

    Raises
    ------
    ContractError
        If a model reads a feature that is not among the columns, or is of another kind than a
        binary classifier of plain trees.
    """
    packed, base = [], []
    for label, content in models.items():
        learner = _checked(label, read_ubj(content))
        at = _columns_of(label, learner["feature_names"], columns)
        packed.append(pack(learner["gradient_booster"]["model"]["trees"], at))
        base.append(_margin(learner["learner_model_param"]["base_score"]))
    ends = np.cumsum([0, *[len(one.starts) - 1 for one in packed]], dtype=np.int64)
    return Forest(
        tuple(models), Packed.joined(packed), ends, np.array(base, dtype=np.float32), threads
    )


def _checked(label: str, model: Any) -> Any:
    try:
        learner = model["learner"]
        found = (learner["gradient_booster"]["name"], learner["objective"]["name"])
        per_round = int(learner["gradient_booster"]["model"]["gbtree_model_param"]
                        ["num_parallel_tree"])  # fmt: skip
        categories = any(tree["split_type"].any()
                         for tree in learner["gradient_booster"]["model"]["trees"])  # fmt: skip
    except (KeyError, TypeError) as error:
        raise ContractError(f"model {label}: not a model of XGBoost, no entry {error}") from error
    if found != ("gbtree", "binary:logistic") or per_round != 1 or categories:
        raise ContractError(
            f"model {label}: {found[0]} with {found[1]}, {per_round} trees per round, categories: "
            f"{categories}; expected gbtree with binary:logistic, 1 and no categories"
        )
    return learner


def _columns_of(label: str, names: Sequence[str], columns: Sequence[str]) -> NDArray[np.int32]:
    at = {name: i for i, name in enumerate(columns)}
    missing = [name for name in names if name not in at]
    if missing:
        raise ContractError(
            f"model {label} reads {len(names)} features; not among the {len(columns)} columns: "
            f"{', '.join(map(repr, missing[:5]))}"
        )
    return np.array([at[name] for name in names], dtype=np.int32)


def _margin(base_score: str) -> np.float32:
    """Log odds of the stored base score, rounded where XGBoost rounds them."""
    odds_against = np.float32(1) / np.float32(base_score.strip("[]")) - np.float32(1)
    # numpy's logarithm of a float32 may be off by the last bit.
    return np.float32(-math.log(odds_against))


@jit
def _margins(
    matrix: FloatMatrix,
    starts: NDArray[np.int64],
    column: NDArray[np.int32],
    threshold: NDArray[np.float32],
    mask: NDArray[np.uint32],
    leaves: FloatMatrix,
    ends: NDArray[np.int64],
    base: NDArray[np.float32],
    out: FloatMatrix,
) -> None:
    columns = np.empty(2 * matrix.shape[1] * _ROWS, np.float32)
    leaf_of = np.empty(_TOGETHER, np.uint32)
    total = np.empty(_TOGETHER, np.float32)
    for first in range(0, matrix.shape[0], _ROWS):
        rows = min(_ROWS, matrix.shape[0] - first)
        _by_column(matrix, first, rows, columns)
        for label in range(base.size):
            for start in range(0, rows, _TOGETHER):
                total[:] = base[label]
                for tree in range(ends[label], ends[label + 1]):
                    _find_leaves(columns, start, starts, tree, column, threshold, mask, leaf_of)
                    for j in range(_TOGETHER):
                        total[j] += leaves[tree, leaf_of[j]]
                for j in range(min(_TOGETHER, rows - start)):
                    out[first + start + j, label] = total[j]


@jit
def _by_column(matrix: FloatMatrix, first: int, rows: int, columns: NDArray[np.float32]) -> None:
    """Features of a stretch of rows side by side, each twice: missing values above and below all.

    A node sends a missing value to the right by reading the first, to the left by the second.
    """
    columns[:] = 0.0
    for c in range(matrix.shape[1]):
        above, below = 2 * c * _ROWS, (2 * c + 1) * _ROWS
        for i in range(rows):
            value = matrix[first + i, c]
            columns[above + i] = np.inf if np.isnan(value) else value
            columns[below + i] = -np.inf if np.isnan(value) else value


@jit
def _find_leaves(
    columns: NDArray[np.float32],
    start: int,
    starts: NDArray[np.int64],
    tree: int,
    column: NDArray[np.int32],
    threshold: NDArray[np.float32],
    mask: NDArray[np.uint32],
    leaf_of: NDArray[np.uint32],
) -> None:
    """The leaf of each of ``_TOGETHER`` rows from ``start`` on; 32 if it lies in another part."""
    one, two = all_bits(leaf_of, _LANES), all_bits(leaf_of, _LANES)
    three, four = all_bits(leaf_of, _LANES), all_bits(leaf_of, _LANES)
    for node in range(starts[tree], starts[tree + 1]):
        at = column[node] * _ROWS + start
        limit, left = threshold[node], mask[node]
        one = keep_unless_below(one, left, load(columns, at, _LANES), limit)
        two = keep_unless_below(two, left, load(columns, at + 16, _LANES), limit)
        three = keep_unless_below(three, left, load(columns, at + 32, _LANES), limit)
        four = keep_unless_below(four, left, load(columns, at + 48, _LANES), limit)
    store(leading_zeros(one), leaf_of, 0)
    store(leading_zeros(two), leaf_of, 16)
    store(leading_zeros(three), leaf_of, 32)
    store(leading_zeros(four), leaf_of, 48)
