"""What others do for one light curve at a time: the loops that the kernels are compared with."""

import math
from typing import Any

import numba
import numpy as np


@numba.njit
def aov(elapsed: Any, centred: Any, freq: Any, phase_bins: int) -> Any:
    """AOV by a histogram for each frequency, phases in double precision."""
    n = elapsed.size
    out = np.empty(freq.size)
    count, total = np.zeros(phase_bins), np.zeros(phase_bins)
    squares = np.sum(centred**2)
    for f in range(freq.size):
        count[:] = 0.0
        total[:] = 0.0
        for k in range(n):
            cycles = freq[f] * elapsed[k]
            column = int((cycles - math.floor(cycles)) * phase_bins)
            column = min(column, phase_bins - 1)
            count[column] += 1.0
            total[column] += centred[k]
        between = 0.0
        for b in range(phase_bins):
            if count[b] > 0:
                between += total[b] ** 2 / count[b]
        out[f] = (n - phase_bins) / (phase_bins - 1) * between / (squares - between)
    return out


@numba.njit
def conditional_entropy(elapsed: Any, bins: Any, freq: Any, phase_bins: int, table: Any) -> Any:
    """Conditional entropy by a histogram for each frequency; n ln n from the table, if any."""
    n = elapsed.size
    out = np.empty(freq.size)
    counts = np.zeros((phase_bins, 10), np.int64)
    for f in range(freq.size):
        counts[:] = 0
        for k in range(n):
            cycles = freq[f] * elapsed[k]
            column = int((cycles - math.floor(cycles)) * phase_bins)
            counts[min(column, phase_bins - 1), bins[k]] += 1
        total = 0.0
        for j in range(phase_bins):
            column_count = 0
            for i in range(10):
                column_count += counts[j, i]
                total -= _term(counts[j, i], table)
            total += _term(column_count, table)
        out[f] = total / n
    return out


@numba.njit
def _term(count: int, table: Any) -> float:
    if table.size:
        return float(table[count])
    return count * math.log(count) if count > 0 else 0.0
