"""Number of ones in a 64-bit word, by the processor's own instruction."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic


def _count_ones(context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


# For compiled loops only: numpy's bitwise_count is not known to the compiler.
count_ones = cast(Callable[[np.uint64], int], intrinsic(_count_ones))
