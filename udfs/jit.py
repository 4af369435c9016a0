"""Compilation of the array loops, with one set of options for all of them."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])

# Sums may be taken in any order and products may be fused into sums. That lets the compiler use
# vector instructions; it moves results by rounding errors only, and NaN and infinity keep
# their meaning (unlike full fastmath).
_REORDERED_SUMS = {"reassoc", "contract"}


def jit(loop: Loop) -> Loop:
    """The loop as machine code; division by zero gives infinity or NaN as in numpy."""
    return cast(Loop, numba.njit(loop, cache=True, nogil=True, error_model="numpy"))


def jit_reordered(loop: Loop) -> Loop:
    """As :func:`jit`, for loops whose sums may be taken in any order."""
    options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": _REORDERED_SUMS}
    return cast(Loop, numba.njit(loop, **options))
