"""A ranking model of regression trees: a score per candidate, the highest is chosen."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from udfs.errors import ContractError
from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray


@dataclass(frozen=True)
class RankingModel:
    """Boosted regression trees, all nodes in one table.

    Attributes
    ----------
    features : tuple of str
        Columns in the order that ``feature`` counts them.
    roots : (n_tree,) int64
        Row of the root of each tree.
    feature : (n_node,) int64
        Column that the node compares; -1 in a leaf.
    value : (n_node,) float64
        Threshold of a node, score of a leaf.
    left, right : (n_node,) int64
        Row to go on with if the column is below the threshold, and if not.
    """

    features: tuple[str, ...]
    roots: IntArray
    feature: IntArray
    value: FloatArray
    left: IntArray
    right: IntArray

    def scores(self, columns: dict[str, FloatArray]) -> FloatArray:
        """Sum of the leaves that each candidate falls into, (n_candidate,) float64."""
        # The trees were grown on single precision: the same rounding gives the same leaves.
        table = np.column_stack([columns[name].astype(np.float32) for name in self.features])
        return _scores(table, self.roots, self.feature, self.value, self.left, self.right)


def read_ranking_model(path: Path) -> RankingModel:
    """The model in a JSON file that ``benchmarks/train_period_choice.py`` wrote.

    Raises
    ------
    ContractError
        If the file lacks a table or its tables disagree in length.
    """
    content = json.loads(path.read_text())
    missing = {"features", "roots", "feature", "value", "left", "right"} - content.keys()
    if missing:
        raise ContractError(f"{path}: no table {', '.join(sorted(missing))}")
    integers = {k: np.array(content[k], np.int64) for k in ("roots", "feature", "left", "right")}
    value = np.array(content["value"], np.float64)
    if (
        not integers["feature"].size
        == integers["left"].size
        == integers["right"].size
        == value.size
    ):
        raise ContractError(f"{path}: feature, value, left and right differ in length")
    return RankingModel(tuple(content["features"]), value=value, **integers)


@jit
def _scores(
    table: npt.NDArray[np.float32],
    roots: IntArray,
    feature: IntArray,
    value: FloatArray,
    left: IntArray,
    right: IntArray,
) -> FloatArray:
    out = np.zeros(table.shape[0])
    for i in range(table.shape[0]):
        for root in roots:
            node = root
            while feature[node] >= 0:
                below = table[i, feature[node]] < value[node]
                node = left[node] if below else right[node]
            out[i] += value[node]
    return out
