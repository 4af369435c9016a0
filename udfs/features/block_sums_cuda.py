"""Sums over the epochs of a light curve by a block of threads, in an order that never changes."""

from typing import Any

from numba import cuda

FLOAT_BYTES = 8


def shared_bytes(sums: int, threads: int) -> int:
    """Shared memory that :func:`add_up` needs for so many sums."""
    return FLOAT_BYTES * sums * (threads + 1)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def add_up(mine: Any, shared: Any, totals: Any) -> None:
    """Write to ``totals`` the sums of ``mine`` over the threads of the block, for all to read.

    All threads of the block must call it. ``totals`` is shared memory as well.
    """
    tile, here = cuda.blockDim.x, cuda.threadIdx.x
    # A row of one word more than there are threads: threads that add up neighbouring rows read
    # from different banks.
    row = tile + 1
    # What an earlier call left is read to its end first.
    cuda.syncthreads()
    for s in range(mine.size):
        shared[s * row + here] = mine[s]
    cuda.syncthreads()
    for s in range(here, mine.size, tile):
        total = 0.0
        for thread in range(tile):
            total += shared[s * row + thread]
        totals[s] = total
    cuda.syncthreads()
