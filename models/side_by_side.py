"""Parts of a batch on threads of their own, for compiled loops that let go of the interpreter."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float32]


def by_parts(score: Callable[[slice], FloatMatrix], rows: int, *, threads: int) -> FloatMatrix:
    """``score`` of all rows, (n, n_outputs): of as many stretches of them as there are threads."""
    parts = max(1, min(threads, rows))
    if parts == 1:
        return score(slice(0, rows))
    cuts = np.linspace(0, rows, parts + 1).astype(int)
    with ThreadPoolExecutor(parts) as pool:
        return np.concatenate(list(pool.map(score, map(slice, cuts[:-1], cuts[1:]))))
