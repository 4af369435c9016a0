"""What computes the periodograms of some light curves: over shared exposures, or one by one."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from udfs.periodograms.aov import block_cpu as aov_block
from udfs.periodograms.conditional_entropy import block_cpu as entropy_block
from udfs.periodograms.conditional_entropy import magnitude_bins
from udfs.periodograms.curves import backend_of, scaled_curve
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.folding import fold_exposures
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.lomb_scargle import block_cpu as lomb_scargle_block
from udfs.periodograms.multi_harmonic import block_cpu as multi_harmonic_block
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.running_best import RunningBest
from udfs.periodograms.tiles import TILE
from udfs.ragged import FloatArray, IntArray

Values = npt.NDArray[np.floating[Any]]


class Engine(Protocol):
    """Walks the frequency grid for some light curves, in stretches, in ascending order."""

    def classic(self, freq: FloatArray) -> None:
        """Take a stretch of Lomb-Scargle, conditional entropy and AOV into the best points."""

    def choice(self) -> tuple[IntArray, FloatArray]:
        """Best points of what was walked; see :meth:`RunningBest.choice`."""

    def reductions(self, freq: FloatArray, harmonics: int) -> Iterator[tuple[int, Values]]:
        """Reduction of chi-square by 1 .. ``harmonics`` harmonics, for some curves at a time.

        Yields
        ------
        The number of the first curve and its values and those of the next ones:
        (harmonics, n_freq, n_curves), at least as many as there are.
        """


class SharedExposures:
    """All curves of a block at once: each exposure is folded once for all of them."""

    def __init__(self, block: ExposureBlock, settings: PeriodSearchSettings) -> None:
        self._time = block.time
        self._phase_bins = settings.phase_bins
        self._mags = lomb_scargle_block.prepare(block)
        self._counts = entropy_block.prepare(block, mag_bins=settings.mag_bins)
        self._sums = aov_block.prepare(block)
        self._weights = multi_harmonic_block.prepare(block)
        self._n = block.n.size
        self._best = [RunningBest(TILE, settings.top_n) for _ in range(0, self._n, TILE)]

    def classic(self, freq: FloatArray) -> None:
        """See :class:`Engine`."""
        fold = fold_exposures(self._time, freq, phase_bins=self._phase_bins)
        waves = lomb_scargle_block.stretch(self._mags, freq)
        # Tile by tile: what a kernel writes is still in the cache when the best points are sought.
        for tile, best in enumerate(self._best):
            best.add(
                lomb_scargle_block.power(self._mags, tile, waves),
                entropy_block.entropy(self._counts, tile, fold),
                aov_block.theta(self._sums, tile, fold),
            )

    def choice(self) -> tuple[IntArray, FloatArray]:
        """See :class:`Engine`."""
        index, significance = zip(*[best.choice() for best in self._best], strict=True)
        return np.concatenate(index)[: self._n], np.concatenate(significance)[: self._n]

    def reductions(self, freq: FloatArray, harmonics: int) -> Iterator[tuple[int, Values]]:
        """See :class:`Engine`."""
        waves = multi_harmonic_block.stretch(self._weights, freq, harmonics=harmonics)
        for tile in range(len(self._best)):
            yield tile * TILE, multi_harmonic_block.reductions(self._weights, tile, waves)


class OwnTimes:
    """Each curve by itself, folded at its own times."""

    def __init__(
        self,
        time: FloatArray,
        mag: FloatArray,
        weight: FloatArray,
        offsets: IntArray,
        *,
        settings: PeriodSearchSettings,
        backend: str,
    ) -> None:
        self._time, self._mag, self._offsets = time, mag, offsets
        self._magerr = 1.0 / np.sqrt(weight)
        self._settings = settings
        self._backend = backend
        self._best = [RunningBest(1, settings.top_n) for _ in range(offsets.size - 1)]

    def classic(self, freq: FloatArray) -> None:
        """See :class:`Engine`."""
        ls, ce, theta = (
            backend_of(name, self._backend)
            for name in ("lomb_scargle", "conditional_entropy", "aov")
        )
        bins = {"phase_bins": self._settings.phase_bins}
        mag_bins = self._settings.mag_bins
        for i, best in enumerate(self._best):
            curve = slice(self._offsets[i], self._offsets[i + 1])
            elapsed, scaled = scaled_curve(self._time[curve], self._mag[curve])
            counted = magnitude_bins(scaled, mag_bins)
            best.add(
                ls(elapsed, scaled, freq)[:, None],
                ce(elapsed, counted, freq, mag_bins=mag_bins, **bins)[:, None],
                theta(elapsed, scaled, freq, **bins)[:, None],
            )

    def choice(self) -> tuple[IntArray, FloatArray]:
        """See :class:`Engine`."""
        index, significance = zip(*[best.choice() for best in self._best], strict=True)
        return np.concatenate(index), np.concatenate(significance)

    def reductions(self, freq: FloatArray, harmonics: int) -> Iterator[tuple[int, Values]]:
        """See :class:`Engine`."""
        for i in range(self._offsets.size - 1):
            curve = slice(self._offsets[i], self._offsets[i + 1])
            values = multi_harmonic(
                self._time[curve], self._mag[curve], self._magerr[curve],
                self._offsets[i : i + 2] - self._offsets[i], freq,
                backend=self._backend, harmonics=harmonics,
            )  # fmt: skip
            yield i, values.transpose(2, 1, 0)


def shared_engine(backend: str) -> Callable[[ExposureBlock, PeriodSearchSettings], Engine]:
    """What computes blocks on a backend; there is no silent fallback."""
    if backend == "cuda":
        # Not imported without need: it asks for a device.
        module = importlib.import_module("udfs.periodograms.engine_cuda")
        return cast(Callable[..., Engine], module.SharedExposuresCuda)
    return SharedExposures
