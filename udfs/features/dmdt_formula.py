"""Bin of one pair of epochs; plain Python, compiled by the backends."""

from udfs.ragged import FloatArray


def bin_of(value: float, edges: FloatArray) -> int:
    """Index k with ``edges[k] <= value < edges[k + 1]``, or -1 outside and for NaN."""
    last = edges.size - 1
    if not edges[0] <= value < edges[last]:
        return -1
    low, size = 0, last
    while size > 1:
        half = size // 2
        # No branch to mispredict: the number of steps does not depend on the value.
        low += half if value >= edges[low + half] else 0
        size -= half
    return low
