"""Counting of all pairs of epochs on the GPU: a thread per epoch, which looks at all later ones."""

from numba import cuda, int32

from udfs.devices import blocks_for
from udfs.features.dmdt_formula import bin_of
from udfs.ragged import FloatArray, IntArray

# Threads of a block. A block counts at most so many pairs for each epoch of its curve, which 32
# bits hold up to 16 million epochs.
THREADS = 128
# Magnitude and time bins of an image: an array in shared memory has a fixed size.
SIDE = 26

_bin_of = cuda.jit(device=True)(bin_of)


def count_pairs(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    dm_edges: FloatArray,
    dt_edges: FloatArray,
    out: IntArray,
) -> None:
    """Fill the image of each curve, all zero before, as :func:`udfs.features.dmdt_cpu.count_pairs`.

    Integers are added in any order: the counts are those of the CPU exactly.
    """
    longest = int((offsets[1:] - offsets[:-1]).max(initial=0))
    if longest < 2:
        return
    images = cuda.to_device(out)
    # One dimension of the grid may be longer than 65,535 blocks: that of the curves.
    grid = (offsets.size - 1, blocks_for(longest, THREADS))
    arrays = (cuda.to_device(array) for array in (time, mag, offsets, dm_edges, dt_edges))
    _count[grid, THREADS](*arrays, images)
    images.copy_to_host(out)


@cuda.jit  # type: ignore[untyped-decorator]
def _count(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    dm_edges: FloatArray,
    dt_edges: FloatArray,
    out: IntArray,
) -> None:
    tile, here = cuda.blockDim.x, cuda.threadIdx.x
    curve = cuda.blockIdx.x
    first, stop = offsets[curve] + cuda.blockIdx.y * tile, offsets[curve + 1]
    # The last epoch of a curve has no later one.
    if first >= stop - 1:
        return
    counts = cuda.shared.array((SIDE, SIDE), int32)
    for cell in range(here, SIDE * SIDE, tile):
        counts[cell // SIDE, cell % SIDE] = 0
    cuda.syncthreads()
    i = first + here
    column = 0
    # In step with each other the threads of a warp read neighbouring epochs.
    for j in range(i + 1, stop):
        gap = time[j] - time[i]
        # Times ascend, and so do the columns.
        while column < SIDE and gap >= dt_edges[column + 1]:
            column += 1
        if column == SIDE:
            break
        row = _bin_of(mag[j] - mag[i], dm_edges)
        if row >= 0:
            cuda.atomic.add(counts, (row, column), 1)
    cuda.syncthreads()
    for cell in range(here, SIDE * SIDE, tile):
        count = counts[cell // SIDE, cell % SIDE]
        if count > 0:
            cuda.atomic.add(out, (curve, cell // SIDE, cell % SIDE), count)
