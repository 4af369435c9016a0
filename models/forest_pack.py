"""Trees as lists of nodes, each with the leaves that it strikes out, for ``models.forest``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.errors import ContractError
from udfs.jit import jit

# Leaves of a tree as bits of a number; one more stands for "elsewhere".
LEAVES = 32

IntVector = NDArray[np.int32]


@dataclass(frozen=True)
class Packed:
    """Trees of at most ``LEAVES`` leaves, one after the other.

    Attributes
    ----------
    starts : (n_trees + 1,) int64
        Tree ``i`` owns the nodes from ``starts[i]`` to ``starts[i + 1]``.
    column : (n_nodes,) int32
        Twice the feature, plus 1 where a missing value goes to the left.
    threshold : (n_nodes,) float32
    mask : (n_nodes,) uint32
        The leaves that remain if the feature is not below the threshold; the highest bit is the
        leftmost leaf.
    leaves : (n_trees, LEAVES + 1) float32
        Their values; 0 for leaves that belong to another part of the tree.
    """

    starts: NDArray[np.int64]
    column: IntVector
    threshold: NDArray[np.float32]
    mask: NDArray[np.uint32]
    leaves: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence["Packed"]) -> "Packed":
        """The trees of all parts, in order."""
        sizes = [np.diff(part.starts) for part in parts]
        return cls(
            np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64),
            np.concatenate([part.column for part in parts]),
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.mask for part in parts]),
            np.concatenate([part.leaves for part in parts]),
        )


def pack(trees: Sequence[dict[str, Any]], columns: IntVector) -> Packed:
    """The trees of one model.

    Parameters
    ----------
    trees
        As XGBoost stores them: arrays with one entry per node, of which -1 as child marks a leaf.
    columns : (n_features,) int32
        Column of each feature of the model.

    Raises
    ------
    ContractError
        If a path turns to the right too often for a number to hold its leaves.
    """
    found = []
    for tree in trees:
        left = tree["left_children"].astype(np.int32)
        column = 2 * columns[tree["split_indices"].astype(np.int32)] + tree["default_left"]
        value = tree["split_conditions"].astype(np.float32)
        right = tree["right_children"].astype(np.int32)
        parts = _pack_tree(left, right, column.astype(np.int32), value)
        if not len(parts[-1]):
            raise ContractError(
                f"a tree with {len(left)} nodes turns right more than {LEAVES - 1} "
                "times on the way to a leaf: train with a smaller max_depth"
            )
        found.append(Packed(*parts))
    return Packed.joined(found)


@jit
def _pack_tree(
    left: IntVector, right: IntVector, column: IntVector, value: NDArray[np.float32]
) -> tuple[NDArray[np.int64], IntVector, NDArray[np.float32], NDArray[np.uint32],
           NDArray[np.float32]]:  # fmt: skip
    """One tree as the arrays of ``Packed``, in parts if it has too many leaves for one.

    A part is a stretch of neighbouring leaves. To the left of it, each node that has the part in
    its right subtree contributes one leaf of value 0: all of its left subtree in one. What lies to
    the right of a part needs no leaf: no bit is left for such a row. Without parts if one would
    need more than ``LEAVES`` bits.
    """
    order, first = _leaf_numbers(left, right)
    begins = _part_begins(order, left, right, first)
    parts = max(begins.size - 1, 0)
    starts = np.zeros(parts + 1, np.int64)
    room = parts * (order.size // 2)
    columns, thresholds = np.empty(room, np.int32), np.empty(room, np.float32)
    masks = np.empty(room, np.uint32)
    leaves = np.zeros((parts, LEAVES + 1), np.float32)
    at = 0
    for part in range(parts):
        begin, end = begins[part], begins[part + 1]
        stands_for, turns = _bits(begin, end, order, left, right, first)
        for node in order:
            if left[node] < 0:
                if begin <= first[node, 0] < end:
                    leaves[part, turns + first[node, 0] - begin] = value[node]
                continue
            struck = np.uint32(0)
            for bit in range(stands_for.size):
                if first[node, 0] <= stands_for[bit] < first[right[node], 0]:
                    struck |= np.uint32(1) << np.uint32(LEAVES - 1 - bit)
            if struck:
                columns[at], thresholds[at], masks[at] = column[node], value[node], ~struck
                at += 1
        starts[part + 1] = at
    return starts, columns[:at].copy(), thresholds[:at].copy(), masks[:at].copy(), leaves


@jit
def _part_begins(
    order: IntVector, left: IntVector, right: IntVector, first: IntVector
) -> NDArray[np.int64]:
    """The first leaf of each part, and the number of leaves; empty if a part has no room."""
    n_leaves = first[0, 1]
    begins = np.zeros(n_leaves + 1, np.int64)
    parts = 0
    while begins[parts] < n_leaves:
        turns = 0
        for node in order:
            turns += _turns_right(node, begins[parts], left, right, first)
        if turns >= LEAVES:
            return begins[:0]
        begins[parts + 1] = min(begins[parts] + LEAVES - turns, n_leaves)
        parts += 1
    return begins[: parts + 1]


@jit
def _bits(
    begin: int, end: int, order: IntVector, left: IntVector, right: IntVector, first: IntVector
) -> tuple[NDArray[np.int64], int]:
    """The leaf that each bit of a part stands for, and how many stand for what is to the left.

    Of a subtree to the left it is the last leaf: that lies in the left subtree of exactly those
    nodes that strike out all of it.
    """
    stands_for = np.empty(LEAVES, np.int64)
    turns = 0
    for node in order:
        if _turns_right(node, begin, left, right, first):
            stands_for[turns] = first[right[node], 0] - 1
            turns += 1
    bits = turns + end - begin
    for bit in range(turns, bits):
        stands_for[bit] = begin + bit - turns
    return stands_for[:bits], turns


@jit
def _leaf_numbers(left: IntVector, right: IntVector) -> tuple[IntVector, IntVector]:
    """The nodes from the root down, and of each the numbers of its first leaf and after its last.

    Leaves are counted from the left.
    """
    order, count = np.empty(left.size, np.int32), 1
    order[0] = 0
    at = 0
    while at < count:
        node = order[at]
        if left[node] >= 0:
            order[count], order[count + 1] = left[node], right[node]
            count += 2
        at += 1
    below = np.ones(left.size, np.int32)
    for at in range(count - 1, -1, -1):
        node = order[at]
        if left[node] >= 0:
            below[node] = below[left[node]] + below[right[node]]
    first = np.zeros((left.size, 2), np.int32)
    first[0, 1] = below[0]
    for at in range(count):
        node = order[at]
        if left[node] >= 0:
            middle = first[node, 0] + below[left[node]]
            first[left[node], 0], first[left[node], 1] = first[node, 0], middle
            first[right[node], 0], first[right[node], 1] = middle, first[node, 1]
    return order[:count], first


@jit
def _turns_right(node: int, leaf: int, left: IntVector, right: IntVector, first: IntVector) -> bool:
    """Whether the way to a leaf goes to the right at a node."""
    inner: bool = left[node] >= 0
    return inner and first[right[node], 0] <= leaf < first[right[node], 1]
