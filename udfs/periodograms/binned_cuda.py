"""AOV and conditional entropy of many sources over shared exposures, in one pass on the GPU.

A warp folds 64 sources at one frequency, two to a thread. The exposures come in the order of their
phase, so that a bin is finished before the next one begins: its sums stay in registers, nothing
is scattered and nothing needs to be atomic. The sums of a bin are of whole numbers, so that the
result depends on no order; those over bins are float64, because what a strong signal leaves within
the bins is a small difference of two of them.

An exposure of a source is one word of 32 bits: the centred magnitude as a whole number of 24 bits
above, below it how far to shift a 1 to count it in the 64 bits that hold all counts of a phase bin.
Ten magnitude bins have six bits each; the bits above belong to sources that were not seen. Before a
count can overflow, the counts are spread into words of their own.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda, float64, int32, uint32, uint64

from udfs.devices import blocks_for
from udfs.periodograms.aov.formula import theta_from_squares
from udfs.periodograms.conditional_entropy import magnitude_bins
from udfs.periodograms.conditional_entropy.formula import count_log_count
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.folding_cuda import GROUP, fold_exposures
from udfs.ragged import FloatArray

# Threads that share a frequency, and frequencies of a block of threads. All blocks that run at a
# time read the same sources, which therefore stay in the first cache.
LANES = 32
WARPS = 8
SOURCES_PER_LANE = 2
# A group of rows must not overflow a count: three bits each.
MAX_MAG_BINS = 21

_SHIFT_BITS = 8
# The range of a magnitude is 1. Sums of 127 of them fit 32 bits.
_UNITS = 2**22
_MAX_CHUNK = 127
_COUNT_BITS = 63

_theta = cuda.jit(device=True)(theta_from_squares)


@dataclass(frozen=True)
class BinnedBlock:
    """A block as the kernel reads it; arrays on the device, sources padded to whole tiles.

    Attributes
    ----------
    words : (n_tiles, (n_exposures + 1) * LANES) uint64
        Row by row, two sources each; in the last row, none is seen.
    elapsed : (n_exposures,) float64, days
    term : (n_exposures + 1,) int32
        n ln n in units that let the sum of a source fit 32 bits.
    inverse : (n_exposures + 1,) float64
        1 / n.
    n, squares, entropy_unit : (n_tiles * LANES * 2,) float64
        Epochs, sum of squares, and what turns a sum of terms into an entropy.
    n_lc, phase_bins, mag_bins : int
    """

    words: Any
    elapsed: Any
    term: Any
    inverse: Any
    n: Any
    squares: Any
    entropy_unit: Any
    n_lc: int
    phase_bins: int
    mag_bins: int


def prepare(block: ExposureBlock, *, phase_bins: int, mag_bins: int) -> BinnedBlock:
    """The block in the kernel's layout, on the device.

    Raises
    ------
    ValueError
        If there are more magnitude bins than 64 bits can count.
    """
    if not 2 <= mag_bins <= MAX_MAG_BINS:
        raise ValueError(
            f"mag_bins={mag_bins}, but the block kernel takes 2 to {MAX_MAG_BINS}; "
            "lower it, or set times='exact'"
        )
    n = block.n.astype(np.float64)
    centred = np.where(block.seen, block.scaled - block.scaled.sum(axis=0) / np.maximum(n, 1), 0)
    units = np.rint(centred * _UNITS).astype(np.int32)
    bins = magnitude_bins(block.scaled, mag_bins)
    width = _COUNT_BITS // mag_bins
    unseen = mag_bins * width
    shift = np.where(block.seen, bins * width, unseen)
    terms = np.array([count_log_count(i) for i in range(block.time.size + 1)])
    term_unit = (2**31 - 1 - terms.size) / max(terms[-1], 1.0)
    counts = np.maximum(np.arange(terms.size), 1)
    with np.errstate(divide="ignore"):
        entropy_unit = np.where(n > 0, 1 / (n * term_unit), np.nan)
    return BinnedBlock(
        words=cuda.to_device(_words(units, shift, unseen)),
        elapsed=cuda.to_device(block.time - np.min(block.time, initial=np.inf)),
        term=cuda.to_device(np.rint(terms * term_unit).astype(np.int32)),
        inverse=cuda.to_device(1 / counts),
        n=_padded(n),
        squares=_padded((units.astype(np.float64) ** 2).sum(axis=0)),
        entropy_unit=_padded(entropy_unit, np.nan),
        n_lc=n.size,
        phase_bins=phase_bins,
        mag_bins=mag_bins,
    )


def powers(block: BinnedBlock, freq: FloatArray) -> tuple[Any, Any]:
    """Conditional entropy and theta of each source at each frequency.

    Parameters
    ----------
    block : BinnedBlock
    freq : (n_freq,) float64, cycles/day; at least one

    Returns
    -------
    entropy, theta : (n_freq, n_padded) float32 on the device
        As :func:`udfs.periodograms.conditional_entropy.conditional_entropy` and
        :func:`udfs.periodograms.aov.aov` with the shared times; NaN beyond the sources.
    """
    fold = fold_exposures(block.elapsed, freq, phase_bins=block.phase_bins)
    shape = (freq.size, block.n.size)
    entropy, theta = (cuda.device_array(shape, np.float32) for _ in range(2))
    grid = (blocks_for(freq.size, WARPS), block.words.shape[0])
    _kernel(block.mag_bins, LANES)[grid, (LANES, WARPS)](
        block.words.ravel(), fold.order.ravel(), fold.starts.ravel(), block.term, block.inverse,
        block.n, block.squares, block.entropy_unit, entropy, theta,
    )  # fmt: skip
    return entropy, theta


def _words(
    units: npt.NDArray[np.int32], shift: npt.NDArray[Any], unseen: int
) -> npt.NDArray[np.uint64]:
    rows, n = units.shape
    tile = LANES * SOURCES_PER_LANE
    tiles = blocks_for(n, tile)
    words = np.full((rows + 1, tiles * tile), np.uint32(unseen))
    words[:rows, :n] = (units.view(np.uint32) << _SHIFT_BITS) | shift.astype(np.uint32)
    in_tiles = words.reshape(rows + 1, tiles, tile).transpose(1, 0, 2)
    return np.ascontiguousarray(in_tiles).view(np.uint64).reshape(tiles, -1)


def _padded(values: FloatArray, beyond: float = 0.0) -> Any:
    tile = LANES * SOURCES_PER_LANE
    padded = np.full(blocks_for(values.size, tile) * tile, beyond)
    padded[: values.size] = values
    return cuda.to_device(padded)


@functools.cache
def _kernel(mag_bins: int, lanes: int) -> Any:
    """The kernel for so many magnitude bins; their counts are registers, not an array.

    Casts keep whole numbers at 32 bits, and indices without a sign: numba would compute them in 64
    bits and check for negative ones, at twice the cost of the whole.
    """
    width = _COUNT_BITS // mag_bins
    full = (1 << width) - 1
    longest = min(full, _MAX_CHUNK) // GROUP

    @cuda.jit(device=True)  # type: ignore[untyped-decorator]
    def add_rows(words: Any, mine: Any, order: Any, group: Any, stop: Any) -> tuple[Any, ...]:
        """Packed counts and sum of magnitudes of both sources of a thread."""
        counts_a, counts_b = uint64(0), uint64(0)
        sum_a, sum_b = int32(0), int32(0)
        while group < stop:
            four = order[group]
            for _ in range(GROUP):
                row = uint32(four & uint64(0xFFFF))
                both = words[uint32(mine + row * uint32(lanes))]
                four >>= uint64(16)
                a, b = uint32(both), uint32(both >> uint64(32))
                counts_a += uint64(1) << uint64(a & uint32(63))
                counts_b += uint64(1) << uint64(b & uint32(63))
                sum_a = int32(sum_a + (int32(a) >> int32(_SHIFT_BITS)))
                sum_b = int32(sum_b + (int32(b) >> int32(_SHIFT_BITS)))
            group = uint32(group + uint32(1))
        return counts_a, counts_b, sum_a, sum_b

    @cuda.jit(device=True)  # type: ignore[untyped-decorator]
    def count(packed: Any, i: int) -> Any:
        return int32(uint32(packed >> uint64(width * i)) & uint32(full))

    @cuda.jit(device=True)  # type: ignore[untyped-decorator]
    def terms(counts: Any, term: Any) -> tuple[Any, Any]:
        column = cells = int32(0)
        for i in range(mag_bins):
            column = int32(column + counts[i])
            cells = int32(cells + term[uint32(counts[i])])
        return column, int32(term[uint32(column)] - cells)

    @cuda.jit  # type: ignore[untyped-decorator]
    def walk(
        words: Any, order: Any, starts: Any, term: Any, inverse: Any,
        n: Any, squares: Any, entropy_unit: Any, entropy: Any, theta: Any,
    ) -> None:  # fmt: skip
        lane = cuda.threadIdx.x
        f = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
        tile = cuda.blockIdx.y
        n_freq = entropy.shape[0]
        if f >= n_freq:
            return
        mine = uint32(words.size // cuda.gridDim.y * tile + lane)
        here = uint32(order.size // n_freq * f)
        phase_bins = starts.size // n_freq - 1
        start = uint32((phase_bins + 1) * f)
        counts_a = cuda.local.array(mag_bins, int32)
        counts_b = cuda.local.array(mag_bins, int32)
        entropy_a, entropy_b = int32(0), int32(0)
        between_a, between_b = 0.0, 0.0
        last = here
        for bin_ in range(phase_bins):
            first, last = last, uint32(here + uint32(starts[uint32(start + uint32(bin_ + 1))]))
            stop = min(uint32(first + uint32(longest)), last)
            packed_a, packed_b, sum_a, sum_b = add_rows(words, mine, order, first, stop)
            total_a, total_b = float64(sum_a), float64(sum_b)
            for i in range(mag_bins):
                counts_a[i] = count(packed_a, i)
                counts_b[i] = count(packed_b, i)
            while stop < last:
                first, stop = stop, min(uint32(stop + uint32(longest)), last)
                packed_a, packed_b, sum_a, sum_b = add_rows(words, mine, order, first, stop)
                total_a += float64(sum_a)
                total_b += float64(sum_b)
                for i in range(mag_bins):
                    counts_a[i] = int32(counts_a[i] + count(packed_a, i))
                    counts_b[i] = int32(counts_b[i] + count(packed_b, i))
            seen_a, terms_a = terms(counts_a, term)
            seen_b, terms_b = terms(counts_b, term)
            entropy_a = int32(entropy_a + terms_a)
            entropy_b = int32(entropy_b + terms_b)
            between_a += total_a * total_a * inverse[uint32(seen_a)]
            between_b += total_b * total_b * inverse[uint32(seen_b)]
        s = (tile * lanes + lane) * SOURCES_PER_LANE
        entropy[f, s] = entropy_a * entropy_unit[s]
        entropy[f, s + 1] = entropy_b * entropy_unit[s + 1]
        theta[f, s] = theta[f, s + 1] = np.nan
        if n[s] > phase_bins:
            theta[f, s] = _theta(n[s], phase_bins, between_a, squares[s])
        if n[s + 1] > phase_bins:
            theta[f, s + 1] = _theta(n[s + 1], phase_bins, between_b, squares[s + 1])

    return walk
