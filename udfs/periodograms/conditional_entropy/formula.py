"""Conditional entropy from counts; plain Python, compiled by the backends."""

import math


def count_log_count(count: int) -> float:
    """The term n ln n, with its limit 0 at n = 0.

    With counts n_ij in N epochs, H = (sum over j of n_j ln n_j - sum over i, j of
    n_ij ln n_ij) / N: the logarithms of N cancel.
    """
    return count * math.log(count) if count > 0 else 0.0
