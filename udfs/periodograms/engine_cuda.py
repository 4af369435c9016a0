"""Periodograms of curves over shared exposures on the GPU: only the best points leave it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.devices import require_cuda
from udfs.periodograms import binned_cuda
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.lomb_scargle import block_cuda as lomb_scargle_block
from udfs.periodograms.multi_harmonic import block_cuda as multi_harmonic_block
from udfs.periodograms.running_best_cuda import RunningBestCuda
from udfs.periodograms.running_peaks_cuda import add_to_stars
from udfs.ragged import FloatArray, IntArray

# Values of 4 bytes that a step of the search may hold on the device, 1 GB: several Python workers
# share it. With much fewer, starting a kernel takes as long as its work.
DEVICE_VALUES = 1 << 28


class SharedExposuresCuda:
    """An :class:`udfs.periodograms.engines.Engine` for all curves of a block at once.

    Stretches of the grid may have any length; long ones are divided to bound the memory.

    Raises
    ------
    RuntimeError
        If no CUDA device is visible.
    """

    def __init__(self, block: ExposureBlock, settings: PeriodSearchSettings) -> None:
        require_cuda()
        self._n = block.n.size
        self._mags = lomb_scargle_block.prepare(block)
        self._weights = multi_harmonic_block.prepare(block)
        self._bins = binned_cuda.prepare(
            block, phase_bins=settings.phase_bins, mag_bins=settings.mag_bins
        )
        self._best = RunningBestCuda(self._n, settings.top_n)
        self._widest = max(block.time.size, self._n, 1)

    def _pieces(self, freq: FloatArray, *, matrices: int) -> Iterator[slice]:
        """Stretches so short that so many matrices of them fit."""
        longest = max(DEVICE_VALUES // (matrices * self._widest), 1)
        for start in range(0, freq.size, longest):
            yield slice(start, min(start + longest, freq.size))

    def classic(self, freq: FloatArray) -> None:
        """See :class:`udfs.periodograms.engines.Engine`."""
        # Three periodograms, the sums at the nodes, and the order of the exposures.
        for piece in self._pieces(freq, matrices=6):
            entropy, theta = binned_cuda.powers(self._bins, freq[piece])
            self._best.add(lomb_scargle_block.power(self._mags, freq[piece]), entropy, theta)

    def choice(self) -> tuple[IntArray, FloatArray]:
        """See :class:`udfs.periodograms.engines.Engine`."""
        return self._best.choice()

    def reductions(
        self, freq: FloatArray, harmonics: int
    ) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """See :class:`udfs.periodograms.engines.Engine`; copied from the device."""
        values = np.empty((harmonics, freq.size, self._n), np.float32)
        for piece in self._pieces(freq, matrices=_matrices(harmonics)):
            found = self._reductions(freq[piece], harmonics)
            values[:, piece] = found.copy_to_host()[:, :, : self._n]
        yield 0, values

    def add_reductions(
        self, total: Any, freq: FloatArray, *, star: IntArray, factor: FloatArray
    ) -> None:
        """Add the reductions to the sums of the stars without leaving the device.

        Parameters
        ----------
        total : (harmonics, n_freq, n_star) float32 on the device
            From :func:`udfs.periodograms.running_peaks_cuda.star_sums`.
        freq : (n_freq,) float64, cycles/day
        star : (n_lc,) int64
            Star of each curve of the block.
        factor : (n_lc,) float64
        """
        for piece in self._pieces(freq, matrices=_matrices(total.shape[0])):
            values = self._reductions(freq[piece], total.shape[0])
            add_to_stars(total[:, piece], values, star=star, factor=factor)

    def _reductions(self, freq: FloatArray, harmonics: int) -> Any:
        return multi_harmonic_block.reductions(self._weights, freq, harmonics=harmonics)


def _matrices(harmonics: int) -> int:
    """Four sums of each order, the sums at the nodes of one, and the results."""
    return 4 * (2 * harmonics + 1) + 4 + harmonics
